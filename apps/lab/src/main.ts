import "./style.css";
import "virtual:figures.css";
import type { Findings } from "@resolvent/analysis/remote";
import { hydrate, mount } from "svelte";
import { workerConnection } from "./connection.ts";
import { Lab } from "./state/lab.svelte.ts";
import App from "./view/App.svelte";

const target = document.getElementById("app") as HTMLElement; // index.html has it
const first: Findings = JSON.parse(document.getElementById("first")?.textContent ?? "");

const asking = workerConnection(
  () => new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" }),
);
const lab = new Lab(first, asking);
// A server for development sends no first screen.
const show = target.hasChildNodes() ? hydrate : mount;
show(App, { target, props: { lab } });
lab.follow(window);
