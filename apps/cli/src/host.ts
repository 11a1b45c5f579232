import {
  type Checkpoint,
  type DictionaryFiles,
  type FoundModel,
  type Host,
  type Kept,
  type Loading,
  storedTensors,
  textLossNotes,
  toldOf,
  type Values,
  vocabularyOf,
  type Wanted,
} from "@resolvent/analysis";
import type { Shaped } from "@resolvent/tensor";
import { type KeptRuns, type Model, type ModelOutline, parametersOf } from "@resolvent/transformer";
import { type Folder, openCheckpoint } from "@resolvent/weights";
import { placeOfModel } from "./model-place.ts";
import {
  keepWeights,
  keptWeights,
  noteKeeping,
  notFiniteIn,
  type OpenModels,
  openModels,
  weightsHash,
} from "./open.ts";
import type { EngineOptions, ModelOptions } from "./options.ts";
import { findModel } from "./prepare.ts";
import type { Terminal } from "./terminal.ts";
import { warner } from "./warnings.ts";

/** What a command says about how it computes. */
export interface HostFlags extends ModelOptions, EngineOptions {
  readonly float64?: boolean;
}

/** A host that finds other models too. */
export interface CommandHost extends Host {
  readonly findOther: NonNullable<Host["findOther"]>;
}

/** The command line as a host of analyses: it says on standard error what it does. */
export function hostOf(
  model: string,
  flags: HostFlags,
  {
    terminal,
    signal,
    later,
    checkpoint,
    dictionaries,
    open,
  }: {
    readonly terminal: Terminal;
    readonly signal: AbortSignal;
    /** Asks for values once there is a model. */
    readonly later: (() => Promise<Values>) | undefined;
    readonly checkpoint: () => Promise<Checkpoint | undefined>;
    readonly dictionaries: readonly DictionaryFiles[];
    /** Puts the model onto an engine; default one that is opened for each run, and closed after it. */
    readonly open?: Opening | undefined;
  },
): CommandHost {
  const { precision, float64 = true, stream = false } = flags;
  const refused = (why: string, remedy: string) => ({ refused: why, remedy });
  const known: Known = new WeakMap();
  return {
    precision,
    float64,
    offers: {
      layers: stream
        ? refused("--stream reads them one after the other", "Leave out --stream.")
        : true,
      float64:
        float64 || precision === "f64"
          ? true
          : refused("--no-float64 leaves it out", "Leave out --no-float64."),
      linearAlgebra: true,
      models: true,
      folders: true,
      dictionary:
        dictionaries.length > 0
          ? dictionaries
          : refused("none is named", "Give one: --dictionary FOLDER."),
    },
    find: async () => await found(model, flags, { known, terminal, open }),
    findOther: async (name) => {
      const { path, ...place } = placeOfModel(name);
      const { revision: _, ...own } = flags; // that is the first one's
      return await found(path, { ...own, ...place }, { known, terminal, open });
    },
    later,
    checkpoint,
    signal,
    onProgress: (progress) => terminal.progress(toldOf(progress)),
    warn: warner(terminal),
  };
}

/** Where models are that were found: hosts get them back as they gave them. */
type Known = WeakMap<FoundModel, { readonly folder: Folder; readonly outline: ModelOutline }>;

/** Loads models, as `openModels` does; where they stay open, with what stays of the first: runs, and what was found. */
export type Opening = (
  ...given: Parameters<typeof openModels>
) => Promise<OpenModels & { readonly runs?: KeptRuns<Shaped>; readonly values?: Kept }>;

/** What runs take that are kept for the next question about the same text. */
export const RUNS_BYTES: number = 2 ** 28;

async function found(
  name: string,
  flags: HostFlags,
  {
    known,
    terminal,
    open = openModels,
  }: {
    readonly known: Known;
    readonly terminal: Terminal;
    readonly open?: Opening | undefined;
  },
): Promise<FoundModel> {
  const {
    folder,
    outline,
    tokenizer,
    tokenizerFault: fault,
  } = await findModel(name, flags, terminal);
  const losses = textLossNotes(tokenizer);
  const { vocab } = outline.architecture;
  type Others = Pick<Wanted, "others">;
  const othersOf = ({ others = new Map() }: Others) =>
    [...others].flatMap(([as, other]) => {
      const own = known.get(other);
      return own === undefined ? [] : [{ as, ...own }];
    });
  const outlinesWith = (wanted: Others) => [outline, ...othersOf(wanted).map((own) => own.outline)];
  const plan = (wanted: Wanted): Loading => {
    const { precision, peakBytes, purpose, layers } = wanted;
    const others = othersOf(wanted);
    const as = { ...flags, precision };
    const remedy =
      purpose === "run"
        ? "Shorten the input, ask for less, or raise --max-memory."
        : "Do not recompute the certificate in float64: --no-float64.";
    const kept = keepWeights(outlinesWith(wanted), as, peakBytes, { remedy, layers });
    return {
      use: async (work, heard) => {
        if (purpose === "run") {
          for (const one of outlinesWith(wanted)) noteKeeping(one, kept, flags, terminal);
        } else terminal.progress("certificate in float64");
        const all = [{ folder, outline }, ...others];
        const parameters = outlinesWith(wanted).reduce(
          (sum, { sizes }) => sum + parametersOf(sizes),
          0,
        );
        // Certificates are of float64, which the engine that was asked for may not have.
        const { engine: asked, ...own } = as;
        const { engine, models, close, runs, values } = await open(
          all.map((one) => ({ folder: one.folder, name: one.outline.name })),
          {
            ...{ ...own, ...kept, parameters },
            ...(asked !== undefined && purpose === "run" && { engine: asked }),
          },
          terminal,
          heard,
        );
        try {
          // A certificate says nothing of its models.
          const hashed = async <M extends object>(model: M, from: Folder): Promise<M> =>
            purpose === "run"
              ? { ...model, sha256: await weightsHash(from, terminal, heard) }
              : model;
          const [model, ...beside] = models as [Model<Shaped>, ...Model<Shaped>[]]; // one for each
          const named = new Map<string, Model<Shaped>>();
          for (const [i, other] of beside.entries()) {
            const own = others[i];
            if (own !== undefined) named.set(own.as, await hashed(other, own.folder));
          }
          const loaded = {
            ...{ engine, model: await hashed(model, folder), others: named },
            linearAlgebra: () => engine.linearAlgebra(),
            kept: values,
          };
          const { used, limit } = engine.memory ?? { used: 0, limit: Number.POSITIVE_INFINITY };
          const noted = used + peakBytes + RUNS_BYTES <= limit ? wanted.runs : undefined;
          return runs === undefined || noted === undefined
            ? await work(loaded)
            : await runs.use(loaded.model, noted, async () => await work(loaded));
        } finally {
          await close();
        }
      },
    };
  };
  const model: FoundModel = {
    outline,
    folder,
    vocabulary: vocabularyOf(tokenizer, outline.name, vocab, { read: losses.read, fault }),
    textWarnings: losses.warnings,
    files: async (heard) => ({
      tensors: storedTensors(await openCheckpoint(folder)),
      sha256: await weightsHash(folder, terminal, heard),
      tokenizer: tokenizer !== undefined,
      warnings: await notFiniteIn(folder, terminal, heard),
    }),
    weights: ({ peakBytes, layers, ...beside }) =>
      keptWeights(outlinesWith(beside), flags, peakBytes, layers),
    plan,
  };
  known.set(model, { folder, outline });
  return model;
}
