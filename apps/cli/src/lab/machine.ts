import type { ListedAnalysis } from "@resolvent/analysis";
import { describeAnalysis, type Workplace } from "@resolvent/analysis/remote";
import type { Cpu } from "@resolvent/cpu";
import { type HostFlags, hostOf } from "../host.ts";
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
  /** Those that open models by names of their own are left out: requests would choose which files are read. */
  readonly analyses: readonly ListedAnalysis[];
  readonly places: ModelPlaces;
  /** Of the engine: threads, precision, memory. f64 holds whatever a request says. */
  readonly flags: HostFlags;
  /** What computes, in a few words: `cpu, 2 threads, OpenBLAS`. */
  readonly engine: string;
  /** Where it says what it loads. */
  readonly terminal: Terminal;
}

/** All analyses of the command line, by its engine, on models that may be opened. */
export function machineOf({
  analyses: all,
  places,
  flags,
  engine,
  terminal,
}: MachineParts): Machine {
  const analyses = all.filter((one) => one.needs !== "files");
  const engines = keptEngines(openModels, flags.precision);
  const none = (what: string) => ({
    refused: `the lab opens no ${what}`,
    remedy: "Use the command line.",
  });
  return {
    workplace: {
      describe: async (names) => ({
        analyses:
          names === undefined
            ? analyses.map(({ name, summary }) => ({ name, summary }))
            : analyses.filter(({ name }) => names.includes(name)).map(describeAnalysis),
        models: places.list(),
        engine,
        ...(flags.precision === "f64" && { precision: "f64" as const }),
      }),
      analysis: async (name) => analyses.find((one) => one.name === name),
      host: (model, settings) => {
        const own: HostFlags = {
          ...flags,
          precision: flags.precision === "f64" ? "f64" : settings.precision,
          float64: settings.float64 && flags.float64 !== false,
        };
        const host = (name: string) =>
          hostOf(name, own, {
            ...{ terminal, signal: NEVER, later: undefined, dictionaries: [] },
            ...{ checkpoint: async () => undefined, open: engines.open },
          });
        const { precision, float64, offers } = host(model);
        const { layers = true, linearAlgebra = true, float64: certificate = true } = offers;
        return {
          precision,
          ...(float64 !== undefined && { float64 }),
          // By name, so that what a command may open beside is not open to requests.
          offers: {
            ...{ layers, linearAlgebra, float64: certificate },
            dictionary: none("dictionary"),
            corpus: none("corpus"),
            pairs: none("pairs"),
          },
          find: async () => await host(places.resolve(model)).find(),
        };
      },
    },
    close: engines.close,
  };
}

/** The signal of a host is that of the request. */
const NEVER = new AbortController().signal;

/** What an engine is, in a few words. */
export function engineWords({ name, threads, blas }: Cpu): string {
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
