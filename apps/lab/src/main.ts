import "./style.css";
import "virtual:figures.css";
import type { Findings } from "@resolvent/analysis/remote";
import { hydrate, mount } from "svelte";
import { workerConnection } from "./connection.ts";
import { machineConnection, tokenOf } from "./machine-connection.ts";
import { Engines } from "./state/engines.svelte.ts";
import { Lab } from "./state/lab.svelte.ts";
import App from "./view/App.svelte";

const target = document.getElementById("app") as HTMLElement; // index.html has it
const first: Findings = JSON.parse(document.getElementById("first")?.textContent ?? "");

const page = workerConnection(
  () => new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" }),
);
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
const lab = new Lab(first, engines.asking);
lab.engines = engines;
// A server for development sends no first screen.
const show = target.hasChildNodes() ? hydrate : mount;
show(App, { target, props: { lab } });
lab.follow(window);
