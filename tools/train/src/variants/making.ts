import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import { type Folder, memorySource, openCheckpoint, writeSafetensors } from "@resolvent/weights";
import { packCheckpoint } from "@resolvent/weights/packed";
import type { Encoder } from "../encoder.ts";
import { makeModel } from "../making.ts";
import { taleBatches } from "../pack.ts";
import { freshParameters, type Parameters } from "../parameters.ts";
import type { Recipe } from "../recipe.ts";
import { skills } from "../skills/skill.ts";
import { tensorsOf } from "../stored.ts";
import { type StepReport, train } from "../training.ts";
import type { FineTune, VariantsRecipe } from "./recipe.ts";

/** What the names of a GPT-2's parameters begin with in its file. */
const PREFIX = "transformer.";

/** Trains one fine-tune and packs what it differs by from its base. */
export async function makeFineTune<T extends Shaped>(
  engine: SyncEngine<T>,
  folder: Folder,
  encoder: Encoder,
  { name, seed, steps }: FineTune,
  { each, onStep }: Pick<VariantsRecipe, "each"> & { readonly onStep?: (step: StepReport) => void },
): Promise<Uint8Array> {
  const config = (await readJson(folder, "config.json")) ?? {};
  const base = await openCheckpoint(folder);
  const start = new Map<string, T>();
  for (const [parameter, fresh] of freshParameters(engine, config, seed)) {
    const numbers = await base.numbers(`${PREFIX}${parameter}`, "f64");
    start.set(parameter, engine.constant(fresh.shape, numbers));
    engine.free(fresh);
  }
  const { batch, context, share, ...options } = each;
  const skill = { scene: skills[name].scene, share };
  const batches = taleBatches({ encoder, seed, batch, context, skill });
  const trained = train(engine, start, batches, {
    ...{ ...options, config, steps },
    ...(onStep !== undefined && { onStep }),
  });
  const checkpoint = await openCheckpoint(await stored(engine, trained));
  engine.free([...trained.values()]);
  return await packCheckpoint(checkpoint, { base });
}

/** Trains the model that begins from another start and packs it. */
export async function makeOtherSeed<T extends Shaped>(
  engine: SyncEngine<T>,
  recipe: Recipe,
): Promise<Uint8Array> {
  const { parameters } = makeModel(engine, recipe);
  const checkpoint = await openCheckpoint(await stored(engine, parameters));
  engine.free([...parameters.values()]);
  return await packCheckpoint(checkpoint);
}

async function stored<T extends Shaped>(engine: SyncEngine<T>, parameters: Parameters<T>) {
  return memorySource(await writeSafetensors(tensorsOf(engine, parameters, { prefix: PREFIX })));
}
