import { openMergeModel } from "@resolvent/merge";
import { matchWeights, permutedFolder, permutedTensors } from "@resolvent/merge/align";
import { bundledVariants } from "@resolvent/models/variants";
import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { loadModel, type Model } from "@resolvent/transformer";
import {
  type Folder,
  memoryFolder,
  memorySource,
  openCheckpoint,
  writeSafetensors,
} from "@resolvent/weights";
import { checkpointSha256 } from "@resolvent/weights/hash";
import { unpackedFolder } from "@resolvent/weights/packed";
import type { Encoder } from "../encoder.ts";
import type { StepReport } from "../training.ts";
import type { MeasuredVariants } from "./card.ts";
import { makeFineTune, makeOtherSeed } from "./making.ts";
import { measureModel, type Trial, trialOf } from "./measuring.ts";
import { measurePair, PAIRS } from "./pairs.ts";
import type { VariantsRecipe } from "./recipe.ts";

/** The packed files of variants, by the name of their folder: `rows`. */
export type PackedVariants = ReadonlyMap<string, Uint8Array>;

/** The folder of the model that begins from another start. */
const OTHER = "other-seed";

/** The folders of a recipe's variants. */
export function foldersOf({ fineTunes, otherSeed }: VariantsRecipe): readonly string[] {
  return [...fineTunes.map(({ name }) => name), ...(otherSeed ? [OTHER] : [])];
}

/** Follows a recipe; variants that there are already are taken as they are. */
export async function makeVariants<T extends Shaped>(
  engine: SyncEngine<T>,
  tales: Folder,
  encoder: Encoder,
  recipe: VariantsRecipe,
  {
    kept,
    onStep,
  }: {
    readonly kept: PackedVariants;
    readonly onStep?: (name: string, step: StepReport) => void;
  },
): Promise<PackedVariants> {
  const made = new Map<string, Uint8Array>();
  for (const one of recipe.fineTunes) {
    const { each } = recipe;
    made.set(
      one.name,
      kept.get(one.name) ??
        (await makeFineTune(engine, tales, encoder, one, {
          each,
          ...(onStep && { onStep: (step) => onStep(one.name, step) }),
        })),
    );
  }
  const { otherSeed } = recipe;
  if (otherSeed) made.set(OTHER, kept.get(OTHER) ?? (await makeOtherSeed(engine, otherSeed)));
  return made;
}

/** Measures `tales`, its variants as they are stored, and merges of them. */
export async function measureVariants<T extends Shaped>(
  engine: SyncEngine<T>,
  tales: Folder,
  encoder: Encoder,
  recipe: VariantsRecipe,
  packed: PackedVariants,
): Promise<MeasuredVariants> {
  const trial = trialOf(encoder, recipe);
  const sample = sampleOf(trial, recipe);
  const permuted = permutedFolder(tales, bundledVariants["tales-permuted"]);
  const folders = new Map([
    ["tales", tales],
    ...[...packed].map(([name, bytes]): [string, Folder] => [
      `tales-${name}`,
      unpackedFolder(memoryFolder(new Map([["packed.safetensors", bytes]]), name), { base: tales }),
    ]),
    ["tales-permuted", permuted],
  ]);
  const models = new Map<string, Model<T>>();
  const measured = [];
  for (const [name, folder] of folders) {
    const model = await loadModel(engine, folder);
    models.set(name, model);
    measured.push({
      ...{ name, sha256: await checkpointSha256(await openCheckpoint(folder)) },
      ...measureModel(engine, model, trial),
      sample: measureModel(engine, model, sample).loss,
    });
  }
  const pairs = [];
  for (const pair of PAIRS) {
    if (pair.every((name) => models.has(name))) {
      pairs.push(await measurePair(engine, models, pair, trial));
    }
  }
  engine.free([...models.values()]);
  return { models: measured, pairs, aligned: await alignedSha256(tales, permuted) };
}

/** The SHA-256 of the permuted copy once it is aligned with `tales`, as a file. */
async function alignedSha256(tales: Folder, permuted: Folder): Promise<string> {
  const copy = await openMergeModel(permuted);
  const { permutation } = await matchWeights(await openMergeModel(tales), copy);
  const tensors = permutedTensors(copy, permutation);
  const bytes = await writeSafetensors(tensors, { metadata: { format: "pt" } });
  return await checkpointSha256(await openCheckpoint(memorySource(bytes)));
}

/** The same trial with few texts and questions: what a test can do again. */
export function sampleOf({ texts, tasks, ofTales }: Trial, { measured }: VariantsRecipe): Trial {
  const rows = measured.sampledRows;
  const few = (of: Trial["tasks"]) =>
    of.map(({ name, cases }) => ({ name, cases: cases.slice(0, rows) }));
  return {
    texts: {
      tales: texts.tales.slice(0, rows),
      colours: texts.colours.slice(0, rows),
      recoloured: texts.recoloured.slice(0, rows),
      rows: texts.rows.slice(0, rows),
    },
    tasks: few(tasks),
    ofTales: few(ofTales),
  };
}
