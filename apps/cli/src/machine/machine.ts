import type { DictionaryFiles, ListedAnalysis } from "@resolvent/analysis";
import { describeAnalysis, type EngineList, type Workplace } from "@resolvent/analysis/remote";
import type { Cpu } from "@resolvent/cpu";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import type { AnyEngine, EngineName } from "resolvent";
import { findDictionaries } from "../dictionaries.ts";
import { type CommandHost, type HostFlags, hostOf } from "../host.ts";
import { openModels } from "../open.ts";
import type { Terminal } from "../terminal.ts";
import { keptEngines } from "./kept-engines.ts";
import type { ModelPlaces } from "./model-places.ts";

/** This machine as a place where analyses run. */
export interface Machine {
  readonly workplace: Workplace;
  /** Frees what is kept in memory. */
  close(): Promise<void>;
}

/** What the work of a machine is made of. */
export interface MachineParts {
  /** What messages call whoever serves it: `the lab`. */
  readonly called: string;
  /**
   * Those that open models by names of their own are left out where `more` has no host of such: requests would choose which
   * files are read.
   */
  readonly analyses: readonly ListedAnalysis[];
  readonly places: ModelPlaces;
  /** Of the engine: threads, precision, memory. f64 holds whatever a request says. */
  readonly flags: HostFlags;
  /** What computes, in a few words: `cpu, 2 threads, OpenBLAS`. */
  readonly engine: string;
  /** What may compute on it, and why one does. */
  readonly engines: () => Promise<EngineList>;
  /** Where it says what it loads. */
  readonly terminal: Terminal;
  /** What it does beside analyses, for whoever may write here. */
  readonly more?: Pick<Workplace, "values" | "draw" | "files">;
}

/** All analyses of the command line, by its engine, on models that may be opened. */
export function machineOf({
  called,
  analyses: all,
  places,
  flags,
  engine,
  engines: listed,
  terminal,
  more,
}: MachineParts): Machine {
  const analyses = all.filter((one) => one.needs !== "files" || more?.files !== undefined);
  const engines = keptEngines(openModels, flags.precision);
  const none = (what: string) => ({
    refused: `${called} opens no ${what}`,
    remedy: "Use the command line.",
  });
  return {
    workplace: {
      ...more,
      describe: async (names) => ({
        analyses:
          names === undefined
            ? analyses.map(({ name, summary }) => ({ name, summary }))
            : analyses.filter(({ name }) => names.includes(name)).map(describeAnalysis),
        models: places.list(),
        dictionaries: places.dictionaries(),
        engine,
        ...(flags.precision === "f64" && { precision: "f64" as const }),
      }),
      engines: async () => await listed(),
      analysis: async (name) => analyses.find((one) => one.name === name),
      host: async (model, settings) => {
        const { engine: preset, ...rest } = flags;
        const used = flags.precision === "f64" ? "f64" : settings.precision;
        // Another precision is of whichever engine has it.
        const given = used === flags.precision ? preset : undefined;
        const asked = settings.engine as EngineName | undefined; // others are refused when they are opened
        const on = asked ?? given;
        const own: HostFlags = {
          ...rest,
          ...(on !== undefined && { engine: on }),
          precision: used,
          float64: settings.float64 && flags.float64 !== false,
        };
        const dictionaries = await opened(places, model, settings.dictionaries, {
          flags,
          terminal,
        });
        const host = (name: string): CommandHost =>
          hostOf(name, own, {
            ...{ terminal, signal: NEVER, later: undefined, dictionaries },
            ...{ checkpoint: async () => undefined, open: engines.open },
          });
        const { precision, float64, offers } = host(model);
        const { layers = true, linearAlgebra = true, float64: certificate = true } = offers;
        let resolved: CommandHost | undefined;
        /** One for all models of a request: it knows those again that it has found. */
        const here = (): CommandHost => {
          resolved ??= host(places.resolve(model));
          return resolved;
        };
        return {
          precision,
          ...(float64 !== undefined && { float64 }),
          // By name, so that what a command may open beside is not open to requests.
          offers: {
            ...{ layers, linearAlgebra, float64: certificate, models: true, folders: true },
            dictionary:
              dictionaries.length > 0
                ? dictionaries
                : { refused: `there is none of ${model}`, remedy: "Name one of the list." },
            corpus: none("corpus"),
            pairs: none("pairs"),
          },
          find: async () => await here().find(),
          findOther: async (name) => await here().findOther(places.resolve(name)),
        };
      },
    },
    close: engines.close,
  };
}

/** The files of dictionaries by their names; of the model's first where none is named, and none where it has none. */
async function opened(
  places: ModelPlaces,
  model: string,
  names: readonly string[] | undefined,
  { flags, terminal }: Pick<MachineParts, "flags" | "terminal">,
): Promise<readonly DictionaryFiles[]> {
  const first = Object.values(bundledDictionaries).find((one) => one.model === model);
  const named = names ?? (first === undefined ? [] : [first.name]);
  const offline = !places.anywhere || flags.offline === true;
  const found = await findDictionaries(named.map(places.dictionary), { offline }, terminal);
  if (places.anywhere) return found;
  // What a config names elsewhere lies in no folder that was named.
  return found.map(({ name, folder }) => ({ name, folder }));
}

/** The signal of a host is that of the request. */
const NEVER = new AbortController().signal;

/** What an engine is, in a few words. */
export function engineWords({
  name,
  threads,
  blas,
}: AnyEngine & Partial<Pick<Cpu, "blas">>): string {
  if (threads === undefined) return name;
  const library = blas === undefined ? "no BLAS" : libraryWord(blas.library);
  return [name, `${threads} ${threads === 1 ? "thread" : "threads"}`, library].join(", ");
}

/** `libopenblas.so.0` as people call it. */
function libraryWord(library: string): string {
  if (/openblas/i.test(library)) return "OpenBLAS";
  if (/accelerate/i.test(library)) return "Accelerate";
  if (/mkl/i.test(library)) return "MKL";
  return /blis/i.test(library) ? "BLIS" : "BLAS";
}
