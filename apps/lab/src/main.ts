import "./style.css";
import "./view/screen.css";
import "virtual:figures.css";
import type { Findings } from "@resolvent/analysis/remote";
import { hydrate, mount } from "svelte";
import { workerConnection } from "./connection.ts";
import { machineConnection, tokenOf } from "./machine-connection.ts";
import { Engines } from "./state/engines.svelte.ts";
import { Lab } from "./state/lab.svelte.ts";
import App from "./view/App.svelte";
import type { Place as OwnPlace } from "./worker/places.ts";

const target = document.getElementById("app") as HTMLElement; // index.html has it
const first: Findings = JSON.parse(document.getElementById("first")?.textContent ?? "");

// A worker that takes the place of one which was ended has to be told again where the user's own models are.
const places = new Map<string, OwnPlace>();
let worker: Worker | undefined;
const page = workerConnection(() => {
  worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" });
  for (const place of places.values()) worker.postMessage(place);
  return worker;
});
const tell = (place: OwnPlace): void => {
  places.set(place.place, place);
  worker?.postMessage(place);
};
const token = tokenOf(window);
const address = new URL("ask", window.location.href).href;
const onState = (answers: boolean): void => {
  if (answers === engines.answers) return;
  engines.answers = answers;
  if (answers) void lab.describe(); // it was started again, as it may be otherwise
};
const engines = new Engines(
  page,
  token === undefined ? undefined : machineConnection({ address, token, onState }),
);
// Where a machine computes, models are those that it was started with.
const lab = new Lab(first, engines.asking, token === undefined ? { tell } : {});
lab.engines = engines;
// A server for development sends no first screen.
const show = target.hasChildNodes() ? hydrate : mount;
show(App, { target, props: { lab } });
lab.follow(window);
