import type { Engine, LinearAlgebra, Precision, Priced, Shaped } from "@resolvent/tensor";
import type { LoadOptions, Model, NotedRuns, Warning } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import type { HashOptions } from "@resolvent/weights/hash";
import type { Kept } from "./kept.ts";
import type { Offered } from "./needs.ts";
import type { Result } from "./result.ts";
import type { Checkpoint, ModelFiles, Progress, Vocabulary } from "./subject.ts";

/** Values of parameters by their names, not checked yet. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * Who runs analyses: a command line, a page's worker, a server. It alone finds models, plans memory, opens engines
 * and shows progress; `runAnalysis` asks it for these, in this order.
 */
export interface Host {
  /** Of the computation; an analysis that certifies its result in float64 asks for that beside. */
  readonly precision: Precision;
  /** What there is beside the weights of one model; an analysis that needs something else is refused at once. */
  readonly offers: Offered;
  /** Whether results are certified in float64 where the computation is not in it; default true. */
  readonly float64?: boolean;
  /** Finds the model. Its headers and its tokenizer are read, and no weights. */
  readonly find: () => Promise<FoundModel>;
  /** Finds another model by its name, as `find` does; such a host offers `models`, and heeds `Wanted.others`. Default none. */
  readonly findOther?: ((name: string) => Promise<FoundModel>) | undefined;
  /** Values that are asked for only once there is a model: a text that somebody types. Default none. */
  readonly later?: (() => Promise<Values>) | undefined;
  /** Where an analysis that can be resumed keeps what it has; default nowhere. Asked for once memory suffices. */
  readonly checkpoint?: () => Promise<Checkpoint | undefined>;
  /** Heeded between pieces of the work. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Hears what there is so far, as a result that says among its warnings (`unfinished`) how far it is. Analyses that
   * have nothing to show before their end never call it. It is the host's to keep, also where the work is stopped.
   */
  readonly onPartial?: (result: Result) => void;
  /** Hears warnings as soon as they are known; the result has them all. Some come more than once. */
  readonly warn?: (warnings: readonly Warning[]) => void;
}

/** A model that is not loaded yet. */
export interface FoundModel {
  /** Its shapes, and the name that results call it by. */
  readonly outline: Model<Priced>;
  readonly vocabulary: Vocabulary;
  /** Its files, where analyses may read them; such a host offers `folders`. */
  readonly folder?: Folder;
  /** What is to be said of the texts that the vocabulary has encoded so far; default nothing. */
  readonly textWarnings?: () => readonly Warning[];
  /** What its files say, for an analysis of these alone, and what is to be said of them: all of them are read. */
  files(heard?: Heard): Promise<FoundFiles>;
  /** What its weights, and those of others beside it, would take in memory beside so much else, and how they would be kept. */
  weights(beside: Pick<Wanted, "peakBytes" | "layers" | "others">): ModelFiles["weights"];
  /**
   * How it would be loaded.
   * @throws InputError where it does not fit into memory
   */
  plan(wanted: Wanted): Loading;
}

export interface FoundFiles extends Pick<ModelFiles, "sha256" | "tensors" | "tokenizer"> {
  readonly warnings: readonly Warning[];
}

/** What a model is to be loaded for. */
export interface Wanted {
  readonly precision: Precision;
  /** Bytes that are taken beside the weights at most. */
  readonly peakBytes: number;
  /** Whether all layers have to be in memory at once. */
  readonly layers: boolean;
  /** For the analysis itself, or to certify its result. */
  readonly purpose: "run" | "certificate";
  /**
   * Plain runs that the work is known to make: a host that keeps the model may make them once for several pieces of
   * work (`keptRuns` of `@resolvent/transformer`). Default none that are known.
   */
  readonly runs?: NotedRuns;
  /** Models that are loaded onto the same engine, by their names, as `findOther` gave them; default none. */
  readonly others?: ReadonlyMap<string, FoundModel>;
}

/** A model that fits into memory. */
export interface Loading {
  /** Loads it onto an engine, lends it to `work`, and closes the engine, however that ends. */
  use<R>(work: <T extends Shaped>(loaded: Loaded<T>) => Promise<R>, heard?: Heard): Promise<R>;
}

/** Who hears how far a model is read, and may end that. */
export type Heard = Pick<Host, "signal" | "onProgress">;

/** The same as `loadModel` takes it, which counts tensors. */
export function heardWhileLoading(
  name: string,
  precision: Precision,
  { signal, onProgress }: Heard = {},
): Pick<LoadOptions, "signal" | "onProgress"> {
  const note = precision === "f64" ? `${name} in float64` : name;
  return {
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && {
      onProgress: (progress) => onProgress({ ...progress, of: "tensor", note }),
    }),
  };
}

/** The same as `checkpointSha256` takes it, which counts bytes. */
export function heardWhileHashing({
  signal,
  onProgress,
}: Heard = {}): Pick<HashOptions, "signal" | "onProgress"> {
  return {
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && {
      onProgress: (progress) => onProgress({ ...progress, of: "byte", note: "SHA-256" }),
    }),
  };
}

export interface Loaded<T extends Shaped> {
  readonly engine: Engine<T>;
  /** With its hash, where results are to have it. */
  readonly model: Model<T>;
  /** Those of `Wanted.others`, by the same names. */
  readonly others?: ReadonlyMap<string, Model<T>>;
  /** Where there are decompositions; such a host offers `linearAlgebra`. */
  readonly linearAlgebra?: () => Promise<LinearAlgebra>;
  /** Where the model stays on its engine: what is kept with it (`keptValues`). */
  readonly kept?: Kept | undefined;
}
