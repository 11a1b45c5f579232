import {
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  defineAnalysis,
  isAnalysis,
} from "@resolvent/analysis";
import {
  answerRequests,
  describeAnalysis,
  type Reply,
  type Workplace,
} from "@resolvent/analysis/remote";
import { createCpu } from "@resolvent/cpu";
import { InputError } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import { keptModels } from "../worker/kept-models.ts";
import { filesFolder, isPlace } from "../worker/named-files.ts";
import type { PluginStart } from "./messages.ts";
import { moduleOf } from "./plugin-modules.ts";

/** Milliseconds between two words about how far it is. */
const TELLING = 50;

addEventListener("message", start, { once: true });

/** Answers the page at the port that comes with the first message, by the analyses of the plug-in in it. */
function start({ data, ports: [port] }: MessageEvent<PluginStart>): void {
  if (port === undefined) return;
  // The port is what the plug-in speaks through; whoever has started this worker hears nothing of it.
  for (const scope of [globalThis, Object.getPrototypeOf(globalThis)])
    Reflect.deleteProperty(scope, "postMessage");
  const post = port.postMessage.bind(port);
  const places = new Map<string, Folder>();
  const answering = answerRequests(workplaceOf(data, places), seldom(post));
  port.onmessage = ({ data: message }) => {
    if (isPlace(message) && message.at !== null && typeof message.at !== "string")
      places.set(message.place, filesFolder(message.at));
    else answering.hear(message);
  };
}

/** Sends replies; of those that say how far it is, no more than somebody can see. */
function seldom(post: (reply: Reply) => void): (reply: Reply) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (reply) => {
    if (reply.say === "progress") {
      const now = performance.now();
      if (now - told < TELLING) return;
      told = now;
    }
    post(reply);
  };
}

function workplaceOf(start: PluginStart, places: ReadonlyMap<string, Folder>): Workplace {
  const contributed = contributedBy(start);
  contributed.catch(() => {}); // whoever asks hears of it
  const models = keptModels({
    ...{ engine: createCpu, threads: 1, streams: false },
    folder: async (name) => places.get(name) ?? notHanded(name),
  });
  return {
    describe: async (names) => {
      const analyses = await contributed;
      const wanted = analyses.filter(({ name }) => names === undefined || names.includes(name));
      return { analyses: wanted.map(describeAnalysis), models: [], engine: "cpu, 1 thread" };
    },
    analysis: async (name) => (await contributed).find((one) => one.name === name),
    host: (model, { precision, float64 }) => ({
      ...{ precision, float64 },
      offers: {
        ...{ layers: true, linearAlgebra: true },
        float64:
          float64 || precision === "f64"
            ? true
            : { refused: "float64 is left out", remedy: "Let it be certified in float64." },
      },
      find: () => models.find(model),
    }),
  };
}

/** The analyses that a plug-in exports. */
async function contributedBy({
  name,
  source,
}: PluginStart): Promise<readonly (AnyAnalysis | AnyOutlineAnalysis)[]> {
  const { analyses } = Object(await moduleOf(source));
  if (!Array.isArray(analyses) || analyses.length === 0)
    throw failed(name, "it exports no list `analyses`");
  return analyses.map((value: unknown) => {
    if (!isAnalysis(value)) throw failed(name, "something in its list `analyses` is no analysis");
    if (value.needs === "files")
      throw failed(name, `${value.name} opens models by itself, which the page has none for`);
    return value.needs === "outline" ? defineAnalysis(value) : defineAnalysis(value);
  });
}

function failed(name: string, what: string): InputError {
  return new InputError({
    code: "lab/plugin-failed",
    message: `The plug-in ${name}: ${what}.`,
    remedy: "That is a fault of the plug-in: tell its author.",
    details: { plugin: name },
  });
}

function notHanded(name: string): never {
  throw new InputError({
    code: "lab/model-not-here",
    message: `The plug-in was not given the model "${name}".`,
    remedy: "It works on the model that is asked about.",
    details: { name },
  });
}
