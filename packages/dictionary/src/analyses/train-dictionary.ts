import {
  type Analysis,
  type Checkpoint,
  computedResult,
  corpusOf,
  defineAnalysis,
  pause,
  type Subject,
  short,
  type WriteFile,
} from "@resolvent/analysis";
import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import { memoryFolder } from "@resolvent/weights";
import type { Dictionary, TrainedOn } from "../dictionary.ts";
import { evaluateDictionary } from "../evaluate.ts";
import { loadDictionary } from "../load.ts";
import { saveDictionary } from "../save.ts";
import { siteText } from "../site.ts";
import type { TrainingCheckpoint } from "../train/checkpoint.ts";
import { type TrainingProgress, trainDictionary } from "../train/train.ts";
import { dictionaryFacts } from "./dictionary-facts.ts";
import { trainingCost, widthsOf } from "./train-cost.ts";
import { settingsOf, type TrainParameters, trainParameters } from "./train-parameters.ts";
import type { DictionaryTraining, SavedFile } from "./train-result.ts";
import { countOf, trainingTexts } from "./train-texts.ts";
import { trainingAnswer, trainingTables, trainingViews } from "./train-views.ts";

/** Points of the curves at most, and one for the last step. */
const POINTS = 200;

/** Steps between two states that are kept, so that little is lost where a process is killed. */
const KEPT_EVERY = 200;

/** What a resumed training goes on from. */
interface State {
  readonly training: TrainingCheckpoint;
  readonly steps: readonly TrainingProgress[];
}

/** Trains a dictionary on a corpus, measures it, and writes it as SAELens reads it: `trainDictionary` as an analysis. */
export const trainDictionaryAnalysis: Analysis<TrainParameters, DictionaryTraining> =
  defineAnalysis<TrainParameters, DictionaryTraining>({
    name: "train-dictionary",
    summary: "train a sparse autoencoder or a transcoder",
    description:
      "Trains a dictionary on a site of MODEL: an autoencoder, or, with --target, a transcoder. Vectors are streamed from a corpus; what is trained is measured on texts that were kept, and written to a folder as SAELens reads it. With --resume an interrupted training goes on, bit for bit.",
    params: trainParameters,
    examples: [
      "tales --site L1.mlp.after --features 768 --k 12 --corpus tales.txt --out sae",
      "tales --site L0.mlp.normed --target L0.mlp.write --features 768 --k 12 --rate 3e-3 --steps 2000 --corpus tales.txt --out transcoder --resume run.state",
    ],
    resumable: true,
    estimate: ({ model, vocabulary, precision }, params) => {
      const { length } = corpusOf(params, model.architecture, vocabulary);
      const widths = widthsOf({ model, precision }, params.site, params.target);
      const settings = settingsOf(params, model.architecture);
      return trainingCost({ model, precision }, settings, { ...widths, length });
    },
    run: trained,
    tables: trainingTables,
    tableKinds: ["dictionary-metric", "training-course", "training-step"],
    answer: trainingAnswer,
    views: trainingViews,
  });

async function trained<T extends Shaped>(
  subject: Subject<T>,
  params: TrainParameters,
): Promise<DictionaryTraining> {
  const { engine, model, vocabulary, signal, onProgress, onPartial, checkpoint } = subject;
  const corpus = corpusOf(params, model.architecture, vocabulary);
  const texts = await trainingTexts(corpus, {
    ...{ maxTokens: params.maxTokens, heldOut: params.heldOut, signal },
    onText: (done) => onProgress({ done, total: done, of: "text" }),
  });
  const settings = settingsOf(params, model.architecture);
  const { target = settings.site, ...others } = settings;
  const state = checkpoint === undefined ? undefined : stateOf(checkpoint);
  const steps: TrainingProgress[] = [...(state?.steps ?? [])];
  const every = Math.ceil(params.steps / POINTS);

  const resultOf = ({ dictionary, measured, saved, warnings }: Ended): DictionaryTraining => ({
    ...computedResult("dictionary-training", engine, model, {
      warnings: [...texts.warnings, ...warnings],
    }),
    ...{ dictionary, corpus: texts.corpus },
    ...{ trained: countOf(texts.trained), heldOut: countOf(texts.heldOut) },
    settings: { ...others, output: target },
    ...{ steps: [...steps], measured, saved },
  });

  const { dictionary } = await trainDictionary(engine, model, texts.trained, {
    ...{ ...settings, signal },
    onProgress: async (told) => {
      const progress = { done: told.step, total: told.steps, of: "step" };
      onProgress({ ...progress, note: noteOf(told) });
      if (told.step % every === 0 || told.step === told.steps) {
        steps.push(told);
        onPartial?.(resultOf(UNFINISHED), progress);
      }
      await pause(); // lets an abort through; the training heeds it, and keeps its state first
    },
    ...(checkpoint !== undefined && {
      checkpointEvery: KEPT_EVERY,
      onCheckpoint: async (training) => await checkpoint.save({ training, steps } satisfies State),
    }),
    ...(state !== undefined && { from: state.training }),
  });
  try {
    const { bos } = model.architecture;
    const trainedOn: TrainedOn = {
      ...{ model: model.name, contextSize: corpus.length },
      prependBos: bos !== undefined && texts.trained.every(([first]) => first === bos),
    };
    const files = await filesOf(engine, { ...dictionary, trainedOn }, params);
    // A site that SAELens has no name for is in no config.
    const { input, output } = dictionary;
    const stored = await loadDictionary(engine, memoryFolder(files, params.out?.name), {
      ...(input !== undefined && { site: siteText(input) }),
      ...(output !== undefined && { output: siteText(output) }),
    });
    try {
      const {
        site: _,
        density: _each,
        warnings,
        ...measured
      } = await evaluateDictionary(engine, model, stored, texts.heldOut, {
        signal,
        onProgress: (told) => onProgress({ ...told, of: "reading of a text" }),
      });
      const saved = await written(params, files);
      return resultOf({ dictionary: dictionaryFacts(stored), measured, saved, warnings });
    } finally {
      engine.free(stored);
    }
  } finally {
    engine.free(dictionary);
  }
}

/** What there is of a result once the training is done. */
type Ended = Pick<DictionaryTraining, "dictionary" | "measured" | "saved" | "warnings">;

const UNFINISHED: Ended = { dictionary: null, measured: null, saved: null, warnings: [] };

/** What an interrupted training has kept; whether it is of this one is seen where it goes on. */
function stateOf({ saved }: Checkpoint): State | undefined {
  if (saved === undefined) return undefined;
  const { training, steps } = Object(saved);
  if (typeof Object(training).belongsTo === "string" && Array.isArray(steps)) return saved as State; // what this analysis saves
  throw new InputError({
    code: "dictionary/no-checkpoint",
    message: "What is to be resumed is no state of a training.",
    remedy: "Name the file that an interrupted training has kept.",
  });
}

/** How a training goes, in a few words. */
function noteOf({ loss, l0, explainedVariance, dead, losses }: TrainingProgress): string {
  const parts = Object.entries(losses).map(([name, value]) => `${name} ${short(value)}`);
  return `loss ${short(loss)} (${parts.join(", ")}), L0 ${short(l0)}, explained variance ${short(explainedVariance)}, dead ${dead}`;
}

/** What is written, in memory: so that what is measured is what is stored, and written when all else is done. */
async function filesOf<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
  { dtype }: TrainParameters,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const keep: WriteFile = async (file, pieces) => {
    files.set(file, await joined(pieces));
  };
  await saveDictionary(engine, dictionary, keep, { dtype });
  return files;
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    parts.push(piece.slice());
    size += piece.length;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function written(
  { out, dtype }: TrainParameters,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<DictionaryTraining["saved"]> {
  if (out === undefined) return null; // the parameters ask for it
  const size = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  await out.write(async (write) => {
    for (const [file, bytes] of files) await write(file, once(bytes));
  }, size);
  return {
    ...{ folder: out.name, dtype },
    files: [...files].map(([name, { length }]): SavedFile => ({ name, bytes: length })),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
