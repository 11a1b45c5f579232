import { createHash } from "node:crypto";
import { type Dictionary, evaluateTogether } from "@resolvent/dictionary";
import type { TrainingProgress } from "@resolvent/dictionary/train";
import type { Engine, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Encoder } from "../encoder.ts";
import { type MeasuredDictionaries, measuredOf } from "./card.ts";
import { makeDictionary, taleTexts } from "./making.ts";
import type { DictionariesRecipe } from "./recipe.ts";

/** The dictionaries of a recipe as files, and what was measured of them. */
export interface MadeDictionaries {
  /** By dictionary, its files by name. */
  readonly folders: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  readonly measured: Omit<MeasuredDictionaries, "minutes" | "machine">;
}

/** Follows a recipe: each dictionary is trained, stored and measured, then all transcoders together. */
export async function makeAllDictionaries<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  encoder: Encoder,
  recipe: DictionariesRecipe,
  onProgress: (name: string, progress: TrainingProgress) => void,
): Promise<MadeDictionaries> {
  const texts = taleTexts(encoder, recipe, "train");
  const heldOut = taleTexts(encoder, { ...recipe, rows: recipe.measuredRows }, "held-out");
  const sampled = heldOut.slice(0, recipe.sampledRows);
  const folders = new Map<string, ReadonlyMap<string, Uint8Array>>();
  const kept: Dictionary<T>[] = [];
  try {
    const dictionaries = [];
    for (const one of recipe.dictionaries) {
      const made = await makeDictionary(engine, model, one, {
        ...{ texts, heldOut, sampled },
        onProgress: (progress) => onProgress(one.name, progress),
      });
      const { name, files, dictionary } = made;
      folders.set(name, files);
      kept.push(dictionary);
      const sha256 = createHash("sha256")
        .update(files.get("sae_weights.safetensors") ?? "")
        .digest("hex");
      dictionaries.push(measuredOf(made, sha256));
    }
    const transcoders = kept.filter(({ transcoder }) => transcoder);
    const together = await evaluateTogether(engine, model, transcoders, heldOut);
    return { folders, measured: { model: model.sha256 ?? "", dictionaries, together } };
  } finally {
    engine.free(kept);
  }
}
