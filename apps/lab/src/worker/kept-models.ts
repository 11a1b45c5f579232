import {
  type FoundModel,
  type Heard,
  heardWhileHashing,
  heardWhileLoading,
  keptValues,
  type Loaded,
  type Loading,
  storedTensors,
  textLossNotes,
  vocabularyOf,
  type Wanted,
} from "@resolvent/analysis";
import { type InputError, isInputError, type Precision, type Shaped } from "@resolvent/tensor";
import {
  type KeptRuns,
  keptRuns,
  loadModel,
  loadTokenizer,
  type ModelOutline,
  notFiniteWeights,
  outlineModel,
  parametersOf,
  type WeightPlan,
} from "@resolvent/transformer";
import { type Folder, openCheckpoint, type ThreadFolder } from "@resolvent/weights";
import { checkpointSha256 } from "@resolvent/weights/hash";
import type { AnyEngine, EngineName, EngineOptions } from "resolvent";
import { isFilesName } from "../state/own-names.ts";
import { weightRoom } from "./weight-room.ts";

/** Weights up to this stay on their engine between runs: of small models, so that a run starts at once. */
const KEPT_BYTES = 2 ** 28;

/** Weights up to this are loaded before anybody asks for a run: of the models that are bundled. */
export const READY_BYTES: number = 2 ** 24;

/** What runs take that are kept for the next view of the same text, beside such weights. */
const RUNS_BYTES = 2 ** 27;

const WIDTH: Readonly<Record<Precision, number>> = { f32: 4, f64: 8 };

type Tokenizer = Awaited<ReturnType<typeof loadTokenizer>>;
type OnEngine = Loaded<Shaped>;

/** A model on an engine of its own. */
interface Open {
  readonly loaded: OnEngine;
  /** Runs of it that views of one text share. */
  readonly runs: KeptRuns<Shaped>;
  readonly close: () => Promise<void>;
}

/** Gives the SHA-256 of a model's weights; who asks first hears how far it is. */
type Hash = (heard?: Heard) => Promise<string>;

/** How a model is loaded. */
interface Loads {
  /** That was asked for. */
  readonly engine: EngineName | undefined;
  /** Numbers of the weights that are loaded, by which an engine is chosen where none was asked for. */
  readonly parameters: number;
  readonly precision: Precision;
  /** Gives its hash, where results are to have it. */
  readonly hash: Hash | undefined;
  readonly plan: WeightPlan;
  /** Who asked for it. */
  readonly heard?: Heard | undefined;
}

/** Models by name, found and loaded when they are first asked for. */
export interface KeptModels {
  /** The model of that name, its headers and its tokenizer read, to be run on an engine where one is asked for. */
  find(name: string, engine?: EngineName): Promise<FoundModel>;
  /** Numbers of its weights. */
  parameters(name: string): Promise<number>;
  /** Loads a small model onto its engines, f32 and f64, so that the first run begins at once; others it leaves. */
  ready(name: string): Promise<void>;
  /** Lets go what was read by a name: its files are others now, as where a tokenizer was missing before. */
  forget(name: string): void;
  close(): Promise<void>;
}

export interface KeptModelsOptions {
  /** Opens an engine: `selectEngine`. */
  readonly engine: (options: EngineOptions) => Promise<AnyEngine>;
  /** Of each engine; default as many as there are cores, where memory may be shared. */
  readonly threads?: number;
  /** The files of a model by its name: `findFolder`. */
  readonly folder: (name: string) => Promise<Folder>;
  /** Whether weights may stay in their files and be read while a run waits: needs shared memory; default true. */
  readonly streams?: boolean;
  /** Bytes that an engine may take, of one model and its intermediates; default as many as one can address. */
  readonly limit?: () => number | undefined;
}

export function keptModels({
  engine: start,
  threads,
  folder: folderOf,
  streams = true,
  limit: limitOf = () => undefined,
}: KeptModelsOptions): KeptModels {
  const room = () => weightRoom({ streams, limit: limitOf() });
  interface Known {
    readonly folder: Folder;
    readonly outline: ModelOutline;
    readonly tokenizer: Tokenizer;
    readonly sha256: Hash;
    /** How it would be loaded, onto an engine where one is asked for. */
    readonly plan: (wanted: Wanted, engine: EngineName | undefined) => Loading;
  }
  const known = new WeakMap<FoundModel, Known>();
  const found = new Map<string, Promise<FoundModel>>();
  interface Opened {
    readonly model: string;
    /** That was asked for. */
    readonly engine: EngineName | undefined;
    readonly on: Promise<Open>;
  }
  const open = new Map<Precision, Opened>();
  /** Ends all engines but those that are to stay. */
  const closeOthers = async (
    stays: (precision: Precision, opened: Opened) => boolean = () => false,
  ): Promise<void> => {
    const others = [...open].filter(([precision, opened]) => !stays(precision, opened));
    for (const [precision] of others) open.delete(precision);
    for (const [, { on }] of others) await (await on.catch(() => undefined))?.close();
  };
  /** Reads a model's files; where that fails they may have gone, and are looked up again the next time. */
  const reading = async <R>(name: string, work: () => Promise<R>): Promise<R> => {
    try {
      return await work();
    } catch (error) {
      found.delete(name);
      throw error;
    }
  };
  /** Lends an engine that stays; one on which something went wrong that nobody foresaw does not. */
  const lent = async <R>(
    { loaded, runs }: Open,
    noted: Wanted["runs"],
    work: (loaded: OnEngine) => Promise<R>,
  ): Promise<R> => {
    try {
      if (noted === undefined) return await work(loaded);
      return await runs.use(loaded.model, noted, async () => await work(loaded));
    } catch (error) {
      if (!isInputError(error) && Object(error).name !== "AbortError") await closeOthers();
      throw error;
    }
  };
  const load = async (
    folder: Folder,
    name: string,
    { precision, engine: asked, parameters, hash, plan, heard }: Loads,
  ): Promise<Open> => {
    const { stream, widen } = plan;
    const limit = limitOf();
    const engine = await start({
      ...{ precision, parameters },
      ...(asked !== undefined && { engine: asked }),
      ...(threads !== undefined && { threads }),
      ...(limit !== undefined && { limit }),
    });
    let reader: ThreadFolder | undefined;
    const close = async (): Promise<void> => {
      await engine.close();
      await reader?.close();
    };
    try {
      if (stream) reader = await (await import("./streams.ts")).readOnThread(folder);
      const named = await reading(name, async () => {
        const model = await loadModel(engine, reader ?? folder, {
          ...{ name, hash: false, stream, widen },
          ...heardWhileLoading(name, precision, heard),
        });
        const sha256 = await hash?.(heard);
        return sha256 === undefined ? model : { ...model, sha256 };
      });
      const linearAlgebra = (): ReturnType<AnyEngine["linearAlgebra"]> => engine.linearAlgebra();
      const runs = keptRuns(engine, { most: RUNS_BYTES / WIDTH[precision] });
      return {
        ...{ runs, close },
        loaded: { engine, model: named, linearAlgebra, kept: keptValues() },
      };
    } catch (error) {
      await close();
      throw error;
    }
  };
  /** Loads a model that stays. */
  const keep = async (folder: Folder, name: string, own: Loads): Promise<Open> => {
    const on = load(folder, name, own);
    open.set(own.precision, { model: name, engine: own.engine, on });
    on.catch(() => {
      // Another may have come in its place since.
      if (open.get(own.precision)?.on === on) open.delete(own.precision);
    });
    return await on;
  };
  const find = async (name: string): Promise<FoundModel> => {
    const folder = await folderOf(name);
    const outline = await outlineModel(folder, { name });
    const { tokenizer, fault } = await tokenizerOf(folder);
    const sha256 = hashOf(name, folder);
    const othersOf = ({ others = new Map() }: Pick<Wanted, "others">) =>
      [...others].flatMap(([as, other]) => {
        const own = known.get(other);
        return own === undefined ? [] : [{ as, ...own }];
      });
    /** All of them on one engine, which is closed with the work: what is kept is one model. */
    const together = (wanted: Wanted, engine: EngineName | undefined): Loading => {
      const { precision, peakBytes, purpose } = wanted;
      const others = othersOf(wanted);
      const beside = others.map((own) =>
        room().plan(own.outline, precision, { peakBytes: 0, layers: true }),
      );
      const held = beside.reduce((sum, { bytes: own }) => sum + own, peakBytes);
      const kept = room().plan(outline, precision, { peakBytes: held, layers: true });
      const hashed = purpose === "run";
      const parameters = [outline, ...others.map((own) => own.outline)].reduce(
        (sum, { sizes }) => sum + parametersOf(sizes),
        0,
      );
      return {
        use: async (work, heard) => {
          const hash = hashed ? sha256 : undefined;
          const own = { precision, engine, parameters, hash, plan: kept, heard };
          const { loaded, close } = await load(folder, name, own);
          try {
            const more = new Map<string, OnEngine["model"]>();
            for (const [i, other] of others.entries()) {
              const { stream = false, widen = true } = beside[i] ?? {};
              const as = other.outline.name;
              const own = await reading(as, async () => {
                const model = await loadModel(loaded.engine, other.folder, {
                  ...{ name: as, hash: false, stream, widen },
                  ...heardWhileLoading(as, precision, heard),
                });
                return hashed ? { ...model, sha256: await other.sha256(heard) } : model;
              });
              more.set(other.as, own);
            }
            return await work({ ...loaded, others: more });
          } finally {
            await close();
          }
        },
      };
    };
    const plan: Known["plan"] = (wanted, asked) => {
      const { precision, peakBytes, layers, purpose } = wanted;
      // Certificates are of float64, which the engine that was asked for may not have.
      const engine = purpose === "run" ? asked : undefined;
      if (othersOf(wanted).length > 0) return together(wanted, engine);
      const { bytes: most, plan: planOf } = room();
      const kept = planOf(outline, precision, { peakBytes, layers });
      // Where there is no room beside it, a run is made for each view.
      const beside = kept.bytes + peakBytes + RUNS_BYTES <= most;
      const runs = beside ? wanted.runs : undefined;
      return {
        use: async (work, heard) => {
          // What stays may be run on next, whatever it was loaded for: its results say which model it is.
          const stays = !kept.stream && kept.bytes <= KEPT_BYTES;
          const own = {
            ...{ precision, engine, parameters: parametersOf(outline.sizes) },
            ...{ hash: purpose === "run" || stays ? sha256 : undefined, plan: kept, heard },
          };
          await closeOthers(
            (of, one) => one.model === name && (of !== precision || one.engine === engine),
          );
          for (let own = open.get(precision); own !== undefined; own = open.get(precision)) {
            const there = await own.on.catch(() => undefined); // by whoever asked: then it is tried again
            if (there === undefined) continue;
            if (there.loaded.engine.failure === undefined) return await lent(there, runs, work);
            // It computes no more: a GPU may be lost at any time. Whoever sees it first makes room for another.
            if (open.get(precision) === own && open.delete(precision)) await there.close();
          }
          if (stays) return await lent(await keep(folder, name, own), runs, work);
          const { loaded, close } = await load(folder, name, own);
          try {
            return await work(loaded);
          } finally {
            await close();
          }
        },
      };
    };
    const model: FoundModel = {
      outline,
      folder,
      vocabulary: vocabularyOf(tokenizer, name, outline.architecture.vocab, { fault }),
      files: async (heard) => ({
        tensors: storedTensors(await openCheckpoint(folder)),
        sha256: await sha256(heard),
        tokenizer: tokenizer !== undefined,
        warnings: await notFiniteWeights(folder, heardWhileLoading(name, "f32", heard)),
      }),
      weights: (beside) => {
        const { kept } = room();
        const own = kept(outline, beside);
        const more = othersOf(beside).reduce(
          (sum, other) => sum + kept(other.outline, beside).bytes,
          0,
        );
        return { ...own, bytes: own.bytes + more };
      },
      plan: (wanted) => plan(wanted, undefined),
    };
    known.set(model, { folder, outline, tokenizer, sha256, plan });
    return model;
  };
  /** A model for one question: of what is lost of its texts, each is told its own. */
  const noting = (model: FoundModel, engine: EngineName | undefined): FoundModel => {
    const own = known.get(model);
    if (own === undefined) return model;
    const losses = textLossNotes(own.tokenizer);
    const { vocabulary } = model;
    const noted: FoundModel = {
      ...model,
      vocabulary: {
        ...vocabulary,
        encode: (prompt) => {
          const ids = vocabulary.encode(prompt);
          if (typeof prompt === "string") losses.read(prompt);
          return ids;
        },
      },
      textWarnings: losses.warnings,
      plan: (wanted) => own.plan(wanted, engine),
    };
    known.set(noted, own);
    return noted;
  };
  const foundOnce = async (name: string): Promise<FoundModel> => {
    const kept = found.get(name) ?? find(name);
    found.set(name, kept);
    kept.catch(() => found.delete(name)); // it may be there the next time
    return await kept;
  };
  return {
    find: async (name, engine) => noting(await foundOnce(name), engine),
    parameters: async (name) => {
      const own = known.get(await foundOnce(name));
      return own === undefined ? 0 : parametersOf(own.outline.sizes);
    },
    ready: async (name) => {
      const own = known.get(await foundOnce(name));
      for (const precision of ["f32", "f64"] as const) {
        // Whoever asks meanwhile has opened one.
        if (own === undefined || [...open.values()].some(({ model }) => model !== name)) return;
        const plan = room().plan(own.outline, precision, { peakBytes: 0, layers: true });
        if (plan.bytes > READY_BYTES) return;
        const parameters = parametersOf(own.outline.sizes);
        const loads = { precision, engine: undefined, parameters, hash: own.sha256, plan };
        if (!open.has(precision)) await keep(own.folder, name, loads);
      }
    },
    forget: (name) => void found.delete(name),
    close: () => closeOthers(),
  };
}

/** The hash of a model's weights, computed when it is first wanted: files that are here stay as they are. */
function hashOf(name: string, folder: Folder): Hash {
  // Files that were dropped, or written here, are called by theirs.
  let known = isFilesName(name) ? name.slice("sha:".length) : undefined;
  return async (heard) => {
    known ??= await checkpointSha256(await openCheckpoint(folder), heardWhileHashing(heard));
    return known;
  };
}

async function tokenizerOf(folder: Folder): Promise<{
  readonly tokenizer: Tokenizer;
  readonly fault: InputError | undefined;
}> {
  try {
    return { tokenizer: await loadTokenizer(folder), fault: undefined };
  } catch (error) {
    if (!isInputError(error) || error.code !== "transformer/bad-tokenizer") throw error;
    return { tokenizer: undefined, fault: error };
  }
}
