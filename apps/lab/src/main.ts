import "./style.css";
import "virtual:figures.css";
import type { Findings } from "@resolvent/analysis/remote";
import { hydrate, mount } from "svelte";
import { workerConnection } from "./connection.ts";
import { Lab } from "./state/lab.svelte.ts";
import App from "./view/App.svelte";
import type { Place } from "./worker/places.ts";

const target = document.getElementById("app") as HTMLElement; // index.html has it
const first: Findings = JSON.parse(document.getElementById("first")?.textContent ?? "");

// A worker that takes the place of one which was ended has to be told again where the user's own models are.
const places = new Map<string, Place>();
let worker: Worker | undefined;
const asking = workerConnection(() => {
  worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" });
  for (const place of places.values()) worker.postMessage(place);
  return worker;
});
const tell = (place: Place): void => {
  places.set(place.place, place);
  worker?.postMessage(place);
};
const lab = new Lab(first, asking, { tell });
// A server for development sends no first screen.
const show = target.hasChildNodes() ? hydrate : mount;
show(App, { target, props: { lab } });
lab.follow(window);
