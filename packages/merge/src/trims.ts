import type { ReadOptions } from "@resolvent/weights";
import type { Address } from "../worker/run.js";
import { type Cut, cutsOf, type Pass } from "./cuts.ts";
import type { OpenMergeModel } from "./model.ts";
import type { MergePlan } from "./plan.ts";
import { programOf, type Writer } from "./program.ts";
import { differences, numberOf, rolesOf } from "./programs/roles.ts";
import { entriesOf, inputsFor } from "./tensor-inputs.ts";
import { walk } from "./walk.ts";
import type { Workshop } from "./workshop.ts";

type Models = ReadonlyMap<string, OpenMergeModel>;

/** Where the differences of whole models are cut. */
interface Trims {
  /** By model, with indices that go on from tensor to tensor. */
  readonly cuts: ReadonlyMap<string, Cut>;
  /** The index of the first entry of each tensor. */
  readonly starts: ReadonlyMap<string, number>;
}

/** What was found of a plan, for each of its tensors. */
const known = new WeakMap<MergePlan, WeakMap<Models, Promise<Trims>>>();

/**
 * Which entries of a tensor's differences stay, by the model, where the largest are taken over all tensors of a model; undefined
 * where they are taken in each tensor. The cuts are found once for a plan and its models, in passes over all of them.
 *
 * @throws InputError what reading throws; the signal's reason where it is aborted
 */
export async function trimsOf(
  plan: MergePlan,
  name: string,
  models: Models,
  options: ReadOptions & Workshop,
): Promise<ReadonlyMap<string, Cut> | undefined> {
  if (plan.trimming !== "model") return undefined;
  const ofPlan = known.get(plan) ?? new WeakMap<Models, Promise<Trims>>();
  known.set(plan, ofPlan);
  const finding = ofPlan.get(models) ?? findTrims(plan, models, options);
  ofPlan.set(models, finding);
  try {
    const { cuts, starts } = await finding;
    const start = starts.get(name) ?? 0;
    return new Map([...cuts].map(([model, { size, to }]) => [model, { size, to: to - start }]));
  } catch (error) {
    ofPlan.delete(models); // it may go well another time
    throw error;
  }
}

async function findTrims(
  plan: MergePlan,
  models: Models,
  options: ReadOptions & Workshop,
): Promise<Trims> {
  const starts = new Map<string, number>();
  let entries = 0;
  for (const name of Object.keys(plan.tensors)) {
    starts.set(name, entries);
    entries += entriesOf(plan, name, models);
  }
  const [first] = Object.values(plan.tensors); // all have the same inputs, as was planned
  const roles = rolesOf(first ?? { parameters: {}, inputs: [] });
  const trimmed = roles.others.flatMap(({ input: { model, parameters } }, vector) => {
    const density = numberOf(parameters, "density", 1);
    return density >= 1 ? [] : [{ model, vector, count: Math.floor(density * entries) }];
  });
  const pass: Pass = async (program, visit) => {
    for (const [name, start] of starts) {
      const inputs = await inputsFor(plan, name, models, options);
      const own = { name, inputs, entries: entriesOf(plan, name, models) };
      for await (const block of walk(own, program, undefined, options))
        visit({
          ...block,
          lists: block.lists.map((lists) => lists.map((one) => later(one, start))),
        });
    }
  };
  const vectors = (writer: Writer): readonly Address[] => differences(writer, roles);
  const cuts = await cutsOf(trimmed, entries, programOf, vectors, pass);
  return { cuts: new Map(trimmed.map(({ model }, i) => [model, cuts[i] as Cut])), starts }; // one for each
}

/** Pairs of magnitude and index, with the indices so much higher. */
function later(pairs: Float64Array, by: number): Float64Array {
  return pairs.map((value, i) => (i % 2 === 1 ? value + by : value));
}
