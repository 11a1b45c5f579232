import type { Ids, Shaped, SyncEngine } from "@resolvent/tensor";
import { tokenizerConfig } from "./bpe.ts";
import { type CopyingRecipe, copyingRecipe, tokensToCopy } from "./copying.ts";
import { learnTokenizer, type Made } from "./making.ts";
import { freshParameters, type Parameters } from "./parameters.ts";
import { attnOnlyRecipe, configOf, type Recipe, recipeBatches, totalSteps } from "./recipe.ts";
import { copyBatches } from "./repeats.ts";
import type { TrainOptions } from "./training.ts";

/** A training whose checkpoints are kept. */
export interface KeptTraining<T> {
  /** All that decides what is learned, as JSON has it: only the same one goes on. */
  readonly recipe: unknown;
  readonly start: () => Parameters<T>;
  /** From the first on, the same each time. */
  readonly batches: () => Iterator<Ids>;
  readonly options: TrainOptions;
  /** JSON files beside the weights and config.json, by name. */
  readonly files: Readonly<Record<string, unknown>>;
}

/** A training on repeats of random tokens. */
export function copyingTraining<T extends Shaped>(
  engine: SyncEngine<T>,
  recipe: CopyingRecipe,
): KeptTraining<T> {
  const { seed, batch, context } = recipe;
  const tokens = tokensToCopy(recipe);
  const config = configOf(recipe, tokens);
  return {
    ...{ recipe, files: {} },
    start: () => freshParameters(engine, config, seed),
    batches: () => copyBatches({ tokens, seed, batch, context }),
    options: { ...recipe, config },
  };
}

/** A training by the recipe of a bundled model, with its tokenizer. */
function recipeTraining<T extends Shaped>(
  engine: SyncEngine<T>,
  recipe: Recipe,
  { tokenizer, encoder }: Pick<Made<Shaped>, "tokenizer" | "encoder">,
): KeptTraining<T> {
  const config = configOf(recipe, encoder);
  return {
    recipe,
    start: () => freshParameters(engine, config, recipe.seed),
    batches: () => recipeBatches(recipe, encoder),
    options: { ...recipe, config, steps: totalSteps(recipe) },
    files: { "tokenizer.json": tokenizer, "tokenizer_config.json": tokenizerConfig },
  };
}

/** Trainings of which checkpoints are kept, by name: from any seed, on one engine. */
export const keptTrainings: Readonly<
  Record<string, <T extends Shaped>(engine: SyncEngine<T>) => (seed: number) => KeptTraining<T>>
> = { copying: copyingBySeed, "attn-only-2l": attnOnlyBySeed };

function copyingBySeed<T extends Shaped>(engine: SyncEngine<T>) {
  return (seed: number): KeptTraining<T> => copyingTraining(engine, { ...copyingRecipe, seed });
}

function attnOnlyBySeed<T extends Shaped>(engine: SyncEngine<T>) {
  const learned = learnTokenizer(attnOnlyRecipe); // one for all seeds
  const tokenizer = { ...attnOnlyRecipe.tokenizer, seed: attnOnlyRecipe.seed };
  return (seed: number): KeptTraining<T> =>
    recipeTraining(engine, { ...attnOnlyRecipe, tokenizer, seed }, learned);
}
