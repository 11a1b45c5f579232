import "./style.css";
import "./frame.css";
import "./view/screen.css";
import "virtual:figures.css";
import { errorOf, type Findings, type Work } from "@resolvent/analysis/remote";
import { mount } from "svelte";
import { comeAlive, seen } from "./come-alive.ts";
import { workerConnection } from "./connection.ts";
import { machineConnection, tokenOf } from "./machine-connection.ts";
import { fragmentAt } from "./state/address.ts";
import { Contributed } from "./state/contributed.ts";
import { embedOf } from "./state/embed.ts";
import { Engines } from "./state/engines.svelte.ts";
import { START } from "./state/fragment.ts";
import { Lab } from "./state/lab.svelte.ts";
import App from "./view/App.svelte";
import type { Ahead } from "./worker/ahead.ts";
import type { HandedOver } from "./worker/hand-over.ts";
import type { Memory } from "./worker/memory.ts";
import type { NamedFiles, Place as OwnPlace } from "./worker/named-files.ts";

const target = document.getElementById("app") as HTMLElement; // index.html has it
const first: Findings = JSON.parse(document.getElementById("first")?.textContent ?? "");

// Whoever serves the page may say how much memory models have.
const memory = document.querySelector<HTMLMetaElement>('meta[name="memory"]')?.content;
// A worker that takes the place of one which was ended has to be told again where the user's own models are.
const places = new Map<string, OwnPlace>();
let worker: Worker | undefined;
const page = workerConnection(() => {
  worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module" });
  worker.postMessage({ memory: Number(memory) } satisfies Memory);
  for (const place of places.values()) worker.postMessage(place);
  return worker;
});
const tell = (place: OwnPlace): void => {
  places.set(place.place, place);
  worker?.postMessage(place);
};
/** The files of a model: those that were picked, or as the worker reads them. */
const files = async (model: string): Promise<NamedFiles> => {
  const own = places.get(model)?.at;
  if (own != null && typeof own !== "string") return own;
  await page.describe(); // it runs now
  const { port1, port2 } = new MessageChannel();
  return await new Promise((resolve, reject) => {
    port1.onmessage = ({ data }: MessageEvent<HandedOver>) =>
      "files" in data ? resolve(data.files) : reject(errorOf(data.failure));
    worker?.postMessage(model, [port2]);
  });
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
const contributed = new Contributed(files);
const embed = embedOf(window.location.search);
const ahead = (work: Work): void => worker?.postMessage({ ahead: work } satisfies Ahead);
const lab = new Lab(
  first,
  contributed.over(engines.asking),
  // A panel in another page is looked at more often than it is asked.
  token === undefined ? { tell, ...(embed === undefined && { ahead }) } : {},
);
lab.engines = engines;
if (token === undefined) lab.contributed = contributed;
if (embed !== undefined && "panel" in embed) lab.where.embedded = embed.panel;
void begin();

/** Makes the app; not at the top, since parts that are loaded later wait for what this file does there. */
async function begin(): Promise<void> {
  let looked: Promise<void> | undefined;
  // What cannot be read is told once the address is followed.
  lab.where.arrive(await fragmentAt(window.location).catch(() => ""));
  if (embed === undefined) {
    // The picture is of the first screen: nothing is made behind it that the address does not ask for.
    if (lab.place.analysis !== START.analysis) target.replaceChildren();
    await seen(target);
    // The worker starts and reads its model while the screen is made.
    looked = lab.there.look();
    looked.catch(() => {}); // told once the address is followed
    await comeAlive(target, lab, (place) => mount(App, { target: place, props: { lab } }));
  } else {
    const { default: Embedded } = await import("./view/Embedded.svelte");
    target.replaceChildren();
    mount(Embedded, { target, props: { lab, embed } });
    document.documentElement.removeAttribute("data-embed"); // what hid the first screen
  }
  lab.follow(window, looked);
}
