import type { WorkerLike } from "../connection.ts";
import { isBroken, type PluginStart } from "./messages.ts";

type Hear = Parameters<WorkerLike["addEventListener"]>[1];

/**
 * Starts a plug-in where it has nothing of the page: in a worker of a frame whose origin is nobody's (so that there is
 * no storage), and whose policy allows no request. What it sends comes through a gate, which is a worker too.
 *
 * @param host the script that a plug-in runs in
 */
export function startPlugin(host: string, start: PluginStart): WorkerLike {
  const { port1, port2 } = new MessageChannel();
  const gate = new Worker(new URL("./gate-worker.ts", import.meta.url), { type: "module" });
  gate.postMessage(null, [port1]);
  const frame = document.createElement("iframe");
  frame.sandbox.add("allow-scripts"); // and not allow-same-origin: that is all of it
  frame.hidden = true;
  frame.title = start.name;
  frame.src = new URL("plugins/frame.html", document.baseURI).href;
  // Its origin has no name that one could send to; it holds nothing but its own script.
  const begin = (): void => frame.contentWindow?.postMessage({ host, start }, "*", [port2]);
  frame.addEventListener("load", begin, { once: true });
  document.body.append(frame);
  return {
    postMessage: (message) => gate.postMessage(message),
    terminate: () => {
      frame.remove();
      gate.terminate();
    },
    addEventListener: (type, hear) => {
      if (type === "message") listen(gate, "message", ({ data }) => !isBroken(data), hear);
      else {
        listen(gate, "error", () => true, hear);
        const broken: Hear = ({ data }) => isBroken(data) && hear({ message: data.broken });
        listen(gate, "message", ({ data }) => isBroken(data), broken);
      }
    },
  };
}

function listen(
  gate: Worker,
  type: "message" | "error",
  heeds: (event: { readonly data?: unknown }) => boolean,
  hear: Hear,
): void {
  gate.addEventListener(type, (event) => {
    const { data, message } = Object(event); // of an error the message, of a message the data
    if (heeds({ data })) hear({ data, message });
  });
}
