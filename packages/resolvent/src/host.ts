import {
  type DictionaryFiles,
  type FoundModel,
  type Heard,
  type Host,
  heardWhileHashing,
  heardWhileLoading,
  type Loading,
  storedTensors,
  vocabularyOf,
  type Wanted,
} from "@resolvent/analysis";
import { InputError, type Shaped } from "@resolvent/tensor";
import {
  loadModel,
  type Model,
  notFiniteWeights,
  outlineModel,
  weightPlans,
} from "@resolvent/transformer";
import { openCheckpoint } from "@resolvent/weights";
import { type AnyEngine, selectEngine } from "./engine.ts";
import type { LanguageModel } from "./language-model.ts";

/** A model that `openModel` gives. */
type Open = LanguageModel<Shaped, AnyEngine>;

/** What a host has beside its model. */
export interface HostOptions extends Pick<Host, "float64" | "signal" | "onProgress" | "warn"> {
  /** Models that parameters name, by these names, each opened on the same engine: `openModel(name, { engine: lm.engine })`. */
  readonly models?: Readonly<Record<string, Open>>;
  /** In their order, as `findDictionaries` gives them. */
  readonly dictionaries?: readonly DictionaryFiles[];
}

/**
 * A host of analyses on a model that is open: `runAnalysis` runs with it what commands and the lab run.
 *
 * ```ts
 * const lm = await openModel("tales");
 * const { result } = await runAnalysis(analysisOf(modelAnalyses, "run"), { prompt: "Once upon" }, hostOn(lm));
 * await lm.close();
 * ```
 *
 * What was ablated or added by `lm` is no part of it. Certificates are computed on an engine of their own, in float64.
 */
export function hostOn(lm: Open, options: HostOptions = {}): Host {
  const { models = {}, dictionaries = [], float64 = true, ...heard } = options;
  const { precision } = lm.engine;
  const known = new WeakMap<FoundModel, Open>();
  const openOf = (found: FoundModel): readonly Open[] => {
    const own = known.get(found);
    return own === undefined ? [] : [own];
  };
  const find = async (own: Open): Promise<FoundModel> => {
    const { folder, tokenizer } = own;
    const { name } = own.model;
    const outline = await outlineModel(folder, { name });
    const found: FoundModel = {
      ...{ outline, folder },
      vocabulary: vocabularyOf(tokenizer, name, outline.architecture.vocab),
      files: async (heard) => {
        const checkpoint = await openCheckpoint(folder);
        return {
          tensors: storedTensors(checkpoint),
          sha256: own.model.sha256 ?? (await hashOf(checkpoint, heard)),
          tokenizer: tokenizer !== undefined,
          warnings: await notFiniteWeights(folder, heardWhileLoading(name, precision, heard)),
        };
      },
      weights: () => ({
        kept: "on its engine",
        bytes: weightPlans(outline.sizes, precision)[0]?.bytes ?? 0,
      }),
      plan: ({ purpose, others = new Map(), ...wanted }) => {
        const beside = [...others].flatMap(([as, other]) =>
          openOf(other).map((one) => [as, one] as const),
        );
        return purpose === "run" ? asOpened(own, beside) : exactly(own, beside, wanted);
      },
    };
    known.set(found, own);
    return found;
  };
  return {
    ...{ precision, float64, ...heard },
    offers: {
      ...{ layers: true, linearAlgebra: true, models: true, folders: true },
      float64:
        float64 || precision === "f64"
          ? true
          : { refused: "float64 is left out", remedy: "Give float64: true." },
      dictionary:
        dictionaries.length > 0
          ? dictionaries
          : { refused: "none is given", remedy: "Give some: hostOn(lm, { dictionaries })." },
    },
    find: async () => await find(lm),
    findOther: async (name) => {
      const other = Object.hasOwn(models, name) ? models[name] : undefined;
      if (other !== undefined) return await find(other);
      throw new InputError({
        code: "resolvent/no-other-model",
        message: `A parameter names the model "${name}", which this host has not got.`,
        remedy: `Give it: hostOn(lm, { models: { ${JSON.stringify(name)}: other } }).`,
        details: { name, models: Object.keys(models) },
      });
    },
  };
}

/** Other models by the names that parameters have for them. */
type Beside = readonly (readonly [as: string, other: Open])[];

/** As they are, on the engine that they are on. */
function asOpened({ engine, model }: Open, beside: Beside): Loading {
  const others = new Map(beside.map(([as, other]) => [as, other.model]));
  const linearAlgebra = (): ReturnType<AnyEngine["linearAlgebra"]> => engine.linearAlgebra();
  return { use: async (work) => await work({ engine, model, others, linearAlgebra }) };
}

/** The same in another precision, loaded while they are used. */
function exactly(own: Open, beside: Beside, { precision }: Pick<Wanted, "precision">): Loading {
  return {
    use: async (work, heard) => {
      const { threads } = own.engine;
      const engine = await selectEngine({ precision, ...(threads !== undefined && { threads }) });
      try {
        const load = async ({ folder, model }: Open): Promise<Model<Shaped>> =>
          await loadModel(engine, folder, {
            ...{ name: model.name, hash: false },
            ...heardWhileLoading(model.name, precision, heard),
          });
        const model = await load(own);
        const others = new Map<string, Model<Shaped>>();
        for (const [as, other] of beside) others.set(as, await load(other));
        return await work({ engine, model, others });
      } finally {
        await engine.close();
      }
    },
  };
}

async function hashOf(
  checkpoint: Awaited<ReturnType<typeof openCheckpoint>>,
  heard: Heard | undefined,
): Promise<string> {
  const { checkpointSha256 } = await import("@resolvent/weights/hash"); // for those only who opened without
  return await checkpointSha256(checkpoint, heardWhileHashing(heard));
}
