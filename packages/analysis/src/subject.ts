import type { Engine, LinearAlgebra, Precision, Priced, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import type { ByParameter } from "./by-parameter.ts";
import type { Kept } from "./kept.ts";
import type { Provided } from "./needs.ts";
import type { Result } from "./result.ts";
import type { TokenName } from "./token-notation.ts";

/** A text, or its token ids. */
export type Prompt = string | readonly number[];

/** How text becomes tokens and back. */
export interface Vocabulary {
  /**
   * The token ids of a prompt: of a text by the model's tokenizer, ids as they are.
   * @throws InputError where there is a text and no tokenizer
   */
  encode(prompt: Prompt): readonly number[];
  /**
   * The id of a token: of a number that number, of a text the token that reads so, or has that entry in the
   * vocabulary (`Ġthe`, `<0x0A>`).
   * @throws InputError where the model has no such token, or several
   */
  tokenId(name: TokenName): number;
  /** The text of a token; `id:5` where it has none, as without a tokenizer. */
  text(id: number): string;
  /** A token as the vocabulary spells it: `Ġthe`, `<0x0A>`; its text where nothing spells it otherwise. */
  entry(id: number): string;
  /** The text of tokens that follow each other; empty where there is no tokenizer. */
  decode(ids: readonly number[]): string;
}

/** What is known before a model is loaded. */
export interface Outline {
  /** The model's shapes, to be run on the interpreter `cost`. */
  readonly model: Model<Priced>;
  readonly vocabulary: Vocabulary;
  readonly precision: Precision;
  /** Shapes of the models that parameters name; see `modelOf`. */
  readonly models?: ByParameter<Model<Priced>>;
}

/** What a model's files say: what an analysis of the outline works on. */
export interface ModelFiles extends Outline {
  /** Of the weights, which are read for it piece by piece. */
  readonly sha256: string;
  /** The tensors as they are stored. */
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
  /** Whether there is a tokenizer, so that prompts may be texts. */
  readonly tokenizer: boolean;
  /** What the weights would take in memory, in bytes, and how they would be kept: `in f32`, `layer by layer`. */
  readonly weights: { readonly kept: string; readonly bytes: number };
}

/** What an analysis works on. */
export interface Subject<T extends Shaped> {
  readonly engine: Engine<T>;
  readonly model: Model<T>;
  /** The models that parameters name, on the same engine; see `modelOf`. */
  readonly models?: ByParameter<Model<T>>;
  /** The files of the model, as `model`, and of those that parameters name, where the analysis needs `folders`. */
  readonly folders?: ByParameter<Folder>;
  readonly vocabulary: Vocabulary;
  /** Decompositions, made when they are first asked for. */
  linearAlgebra(): Promise<LinearAlgebra>;
  /**
   * Where long work keeps what it has so far; undefined where nobody wants that. An analysis that uses it says so by
   * `resumable: true`.
   */
  readonly checkpoint?: Checkpoint | undefined;
  /**
   * What the host keeps of this analysis for the next one that asks the same of this model; undefined where it keeps
   * nothing. A result is the same with and without.
   */
  readonly kept?: Kept | undefined;
  /** What the analysis needs, as its host provides it; hosts that use no `runAnalysis` may leave it out. */
  readonly provided?: Provided;
  /** Heeded between pieces of the work. */
  readonly signal: AbortSignal;
  /** Called with pieces done, all of them, and what is being done: `degree`. */
  readonly onProgress: (progress: Progress) => void;
  /**
   * Called with what there is so far, a result as `run` would give it, and how far that is; undefined where nobody
   * listens, so that it need not be made. Whoever stops the work has the last one.
   */
  readonly onPartial?: ((result: Result, progress: Progress) => void) | undefined;
  /**
   * Runs `use` on the same models in float64, for certificates; undefined where nobody wants that, or where the
   * engine has float64 itself. An analysis that uses it says so by `float64: true`.
   */
  readonly inFloat64?:
    | (<R>(
        use: <U extends Shaped>(
          engine: Engine<U>,
          model: Model<U>,
          models: ByParameter<Model<U>>,
        ) => Promise<R>,
      ) => Promise<R>)
    | undefined;
}

/** A place for the state of unfinished work. A state is plain data: numbers, texts, arrays, typed arrays, maps. */
export interface Checkpoint {
  /** What was kept by an earlier, interrupted run; undefined where there was none. Check that it belongs to this one. */
  readonly saved: unknown;
  /** Keeps a state in place of the last one: either all of it, or, where that fails, the last one stays. */
  save(state: unknown): Promise<void>;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is counted, in the singular: `degree`, `edge`. */
  readonly of: string;
  /** What else is to be told of it, in a few words: how a training goes. */
  readonly note?: string;
}
