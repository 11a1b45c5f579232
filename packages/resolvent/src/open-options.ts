import type { Engine, Precision, Shaped } from "@resolvent/tensor";
import type { LoadOptions } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import type { AnyEngine, EngineName } from "./engine.ts";
import type { FindOptions } from "./find-options.ts";
import type { LanguageModel } from "./language-model.ts";

/** How far opening a model is. */
export interface OpenProgress {
  readonly done: number;
  readonly total: number;
  /** What is counted: bytes that are fetched from the Hub, then tensors that are read. */
  readonly of: "byte" | "tensor";
}

/** How a model is opened, and how its weights are kept. */
export interface OpenOptions
  extends Omit<LoadOptions, "onProgress">,
    Pick<FindOptions, "revision" | "offline" | "onWhole"> {
  /** Precision of the engine that is made; default `f32`. */
  readonly precision?: Precision;
  /** The engine that is made; default the one that `chooseEngine` chooses for this model. */
  readonly engine?: EngineName;
  /** Threads of the engine that is made; default one for each core, at most 8. */
  readonly threads?: number;
  readonly onProgress?: (progress: OpenProgress) => void;
}

/** The same with an engine of one's own, which closing the model leaves open. */
export interface OpenOnOptions<T extends Shaped, E extends Engine<T>>
  extends Omit<OpenOptions, "precision" | "threads" | "engine"> {
  readonly engine: E;
}

/** What a model is opened from: a name, an address, a path in Node, or a folder. */
export type ModelPlace = string | URL | Folder;

/** `openModel`, in Node and in browsers. */
export interface OpenModel {
  <T extends Shaped, E extends Engine<T>>(
    from: ModelPlace,
    options: OpenOnOptions<T, E> & { readonly engine: Engine<T> },
  ): Promise<LanguageModel<T, E>>;
  (from: ModelPlace, options?: OpenOptions): Promise<LanguageModel<Shaped, AnyEngine>>;
}
