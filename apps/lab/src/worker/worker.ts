import analyses from "virtual:analyses";
import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import { answeringAhead, isAhead } from "./ahead.ts";
import { keptModels } from "./kept-models.ts";
import { isMemory } from "./memory.ts";
import { isPlace } from "./named-files.ts";
import { openEngine } from "./open-engine.ts";
import { placesOf } from "./places.ts";
import { workplaceOf } from "./workplace.ts";

// Memory is shared with further threads only where the page's server isolates it.
const threads = globalThis.crossOriginIsolated
  ? Math.max(1, Math.min(8, navigator.hardwareConcurrency))
  : 1;

const places = placesOf(
  (name) => Object.hasOwn(bundledModels, name) || Object.hasOwn(bundledVariants, name),
);

let limit: number | undefined;

const models = keptModels({
  ...{ engine: openEngine, threads, folder: places.folder },
  streams: globalThis.crossOriginIsolated,
  limit: () => limit,
});

const answering = answeringAhead(
  workplaceOf({
    analyses: async () => analyses,
    catalogue: async () => (await import("virtual:catalogue")).default,
    models,
    engine: `cpu, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    unlisted: async (name) =>
      name.startsWith("merge")
        ? (await import("./merging.ts"))
            .mergingBy(places.folder)
            .find((analysis) => analysis.name === name)
        : undefined,
  }),
  (reply) => {
    postMessage(reply);
    // Whoever looks at a model asks something of it next. What is wrong with it is said then.
    if (reply.say === "model") models.ready(reply.model.model.name).catch(() => {});
  },
);

addEventListener("message", ({ data, ports: [port] }) => {
  if (isPlace(data)) {
    places.take(data);
    models.forget(data.place);
  } else if (isMemory(data)) limit = data.memory;
  else if (isAhead(data)) answering.find(data.ahead);
  else if (port !== undefined) void handOver(data, port);
  else answering.hear(data);
});

/** Only plug-ins are handed files. */
async function handOver(model: unknown, port: MessagePort): Promise<void> {
  const { hearHandOver } = await import("./hand-over.ts");
  await hearHandOver(model, port, places.folder);
}
