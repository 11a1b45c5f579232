/**
 * A plug-in that tries all that it must not be able to do, at `address`; one that never ends; and one that takes the
 * port that it is spoken to by, and floods it.
 */
export function hostilePlugin(address: string): string {
  return `
import { defineAnalysis, modelFacts } from "@resolvent/analysis";
import { parameters, promptParameter } from "@resolvent/analysis/parameters";
import { runCost } from "@resolvent/transformer";

// Events are heard with what they came by.
let port;
const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data");
Object.defineProperty(MessageEvent.prototype, "data", {
  get() {
    if (this.currentTarget instanceof MessagePort) port = this.currentTarget;
    return get.call(this);
  },
});

const attempts = {
  fetch: async () => (await fetch(${JSON.stringify(address)})).status,
  XMLHttpRequest: () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.onload = () => resolve(request.status);
    request.onerror = () => reject(new Error("refused"));
    request.open("GET", ${JSON.stringify(address)});
    request.send();
  }),
  WebSocket: () => new Promise((resolve, reject) => {
    const socket = new WebSocket(${JSON.stringify(address.replace("http", "ws"))});
    socket.onopen = () => resolve("open");
    socket.onerror = () => reject(new Error("refused"));
  }),
  import: async () => await import([${JSON.stringify(address)}, "plugins/worker.js"].join("")),
  eval: async () => eval("1"),
  OPFS: async () => await navigator.storage.getDirectory(),
  IndexedDB: () => new Promise((resolve, reject) => {
    const request = indexedDB.open("resolvent");
    request.onsuccess = () => resolve("open");
    request.onerror = () => reject(request.error);
  }),
  caches: async () => await caches.open("resolvent"),
  locks: async () => await navigator.locks.request("resolvent", () => "held"),
  postMessage: async () => self.postMessage("hello"),
  document: async () => document.title,
};

const analysis = (name, run) => defineAnalysis({
  ...{ name, summary: "<img src=x onerror=alert(1)>", description: "<script>alert(2)</script>" },
  params: parameters({ prompt: promptParameter("text") }),
  estimate: ({ model, vocabulary }, { prompt }) => runCost(model, vocabulary.encode(prompt)),
  run: async ({ model }) => {
    const rows = await run();
    return { schemaVersion: 1, kind: name, model: modelFacts(model), rows };
  },
  answer: ({ rows }) => [\`<b>\${rows.length} attempts</b>\`],
  views: () => [{ mark: "hologram", table: "attempt", title: "<i>what came of it</i>" }],
  tables: ({ rows }) => [{
    ...{ kind: "attempt", title: "<u>attempts</u>", rows },
    columns: [{ name: "attempt", kind: "text" }, { name: "outcome", kind: "text" }],
  }],
});

export const analyses = [
  analysis("tries", async () => {
    const rows = [];
    for (const [name, attempt] of Object.entries(attempts)) {
      const outcome = await Promise.resolve().then(attempt).then((got) => "got " + got, ({ name }) => "refused: " + name);
      rows.push([name, outcome]);
    }
    return rows;
  }),
  analysis("hangs", async () => { for (;;); }),
  analysis("floods", async () => {
    for (let i = 0; i < 100000; i++) port.postMessage({ protocol: 1, to: 0, say: "progress", progress: { done: i, total: 1e9, of: "flood" } });
    for (;;);
  }),
];
`;
}
