import {
  type Dictionary,
  type Evaluation,
  evaluateDictionary,
  loadDictionary,
  saveDictionary,
} from "@resolvent/dictionary";
import { type TrainingProgress, trainDictionary } from "@resolvent/dictionary/train";
import type { Engine, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import type { Encoder } from "../encoder.ts";
import { taleBatches } from "../pack.ts";
import type { Split } from "../tales/tale.ts";
import type { DictionariesRecipe, DictionaryRecipe } from "./recipe.ts";

/** How the numbers are stored: half the bytes, and what is measured is what is stored. */
const DTYPE = "F16";

/** A dictionary as it is stored, and what was measured of that. */
export interface MadeDictionary<T extends Shaped> {
  readonly name: string;
  /** Files by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Read back from the files; the caller frees it. */
  readonly dictionary: Dictionary<T>;
  readonly evaluation: Evaluation;
  /** On the sample. */
  readonly sample: Evaluation;
}

/** Texts of tales as token ids, as many as asked for and all of one length: those of `tales` itself. */
export function taleTexts(
  encoder: Encoder,
  { seed, rows, length }: Pick<DictionariesRecipe, "seed" | "rows" | "length">,
  split: Split,
): number[][] {
  const batches = taleBatches({ encoder, seed, batch: rows, context: length - 1, split });
  const { data } = batches.next().value;
  return Array.from({ length: rows }, (_, row) => [
    ...data.subarray(row * length, (row + 1) * length),
  ]);
}

/** Trains one dictionary of a recipe, stores it as SAELens reads it, and measures what was stored. */
export async function makeDictionary<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  { name, settings }: DictionaryRecipe,
  {
    texts,
    heldOut,
    sampled,
    onProgress,
  }: {
    readonly texts: readonly (readonly number[])[];
    readonly heldOut: readonly (readonly number[])[];
    readonly sampled: readonly (readonly number[])[];
    readonly onProgress?: (progress: TrainingProgress) => void;
  },
): Promise<MadeDictionary<T>> {
  const trained = await trainDictionary(engine, model, texts, {
    ...settings,
    ...(onProgress !== undefined && { onProgress }),
  });
  const files = new Map<string, Uint8Array>();
  try {
    const contextSize = texts[0]?.length ?? 0;
    const trainedOn = { model: model.name, contextSize, prependBos: false }; // not all texts begin with it
    const told = { ...trained.dictionary, trainedOn };
    await saveDictionary(
      engine,
      told,
      async (file, pieces) => {
        files.set(file, await joined(pieces));
      },
      { dtype: DTYPE },
    );
  } finally {
    engine.free(trained.dictionary);
  }
  const dictionary = await loadDictionary(engine, memoryFolder(files, name));
  const evaluation = await evaluateDictionary(engine, model, dictionary, heldOut);
  const sample = await evaluateDictionary(engine, model, dictionary, sampled);
  return { name, files, dictionary, evaluation, sample };
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return Buffer.concat(parts);
}
