import { type Engine, type Ids, type Shaped, sizeAlong, type Top, using } from "@resolvent/tensor";
import { rowsAtOnce } from "../rows-at-once.ts";
import type { Auxiliary, Objective } from "./objective.ts";
import { encodedFrom, offset } from "./pre-activations.ts";
import type { TrainedWeights } from "./weights.ts";

/** Pairs of a row and a feature of it. */
export interface Pairs {
  readonly rows: Ids;
  readonly features: Ids;
  /** Their pre-activations. */
  readonly values: ArrayLike<number>;
  /** The features that they were chosen among, rising; absent where that are all. */
  readonly among?: Int32Array;
}

/** Which activations a batch has, where a choice among many decides it. */
export interface Choice {
  readonly active: Pairs;
  /** The dead features that each row would have. */
  readonly revived?: Pairs;
}

/** The losses that choose. */
export type ChoosingLoss = Extract<Objective["loss"], { readonly k: number }>;

export function chooses(loss: Objective["loss"]): loss is ChoosingLoss {
  return loss.kind === "topk" || loss.kind === "batchtopk";
}

/**
 * What topk and batchtopk choose of a batch, without reading the others back; topk, whose rows do not depend on each
 * other, of some rows at a time.
 */
export async function choiceOf<T extends Shaped>(
  engine: Engine<T>,
  weights: TrainedWeights<T>,
  { loss, subtractsBias }: { readonly loss: ChoosingLoss; readonly subtractsBias: boolean },
  input: T,
  dead: Int32Array,
): Promise<Choice> {
  const rows = sizeAlong(input.shape, "row", "train");
  const features = sizeAlong(weights.W_enc.shape, "feature", "train");
  const { auxiliary, k } = loss;
  const revives = auxiliary !== undefined && dead.length > 0;
  const step = loss.kind === "topk" ? rowsAtOnce(engine, { rows, features }) : rows;
  const active: Pairs[] = [];
  const revived: Pairs[] = [];
  await using(
    engine,
    () => ({
      // Without b_dec it is b_enc itself, which stays.
      made: subtractsBias
        ? engine.scope(() => offset(engine, weights, weights.b_enc, true))
        : undefined,
    }),
    async ({ made }) => {
      const constant = made ?? weights.b_enc;
      for (let from = 0; from < rows; from += step) {
        const some = Math.min(rows, from + step) - from;
        await using(
          engine,
          () =>
            engine.scope(() => {
              const part = some === rows ? input : engine.slice(input, "row", from, from + some);
              return encodedFrom(engine, weights, constant, part);
            }),
          async (z) => {
            active.push(
              loss.kind === "topk"
                ? byRow(await engine.top(z, "feature", k), k, from)
                : await overall(engine, z, k * rows),
            );
            if (revives) revived.push(await revivedOf(engine, z, auxiliary, dead, from));
          },
        );
      }
    },
  );
  return { active: together(active), ...(revives && { revived: together(revived) }) };
}

/** The pairs of all parts. */
function together(parts: readonly Pairs[]): Pairs {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const all = (of: (part: Pairs) => ArrayLike<number>): number[] =>
    parts.flatMap((part) => Array.from(of(part)));
  return {
    rows: idsOf(Int32Array.from(all(({ rows }) => rows.data))),
    features: idsOf(Int32Array.from(all(({ features }) => features.data))),
    values: Float64Array.from(all(({ values }) => values)),
    ...(first?.among !== undefined && { among: first.among }),
  };
}

function idsOf(data: Int32Array): Ids {
  return { shape: { entry: data.length }, data };
}

/**
 * @param from the row that is the first here
 * @param names what stands at the places that were found, where they are places in a list
 */
function byRow({ indices, values }: Top, each: number, from: number, names?: Int32Array): Pairs {
  const found = indices.data;
  return {
    rows: idsOf(found.map((_, i) => from + Math.floor(i / each))),
    features: idsOf(names === undefined ? found : found.map((at) => names[at] as number)), // within
    values: values.data,
    ...(names !== undefined && { among: names }),
  };
}

async function overall<T extends Shaped>(engine: Engine<T>, z: T, count: number): Promise<Pairs> {
  const features = sizeAlong(z.shape, "feature", "train");
  const { indices, values } = await using(
    engine,
    () => engine.join(z, ["row", "feature"], "entry"),
    async (flat) => await engine.top(flat, "entry", count),
  );
  return {
    rows: idsOf(indices.data.map((at) => Math.floor(at / features))),
    features: idsOf(indices.data.map((at) => at % features)),
    values: values.data,
  };
}

async function revivedOf<T extends Shaped>(
  engine: Engine<T>,
  z: T,
  auxiliary: Auxiliary,
  dead: Int32Array,
  from: number,
): Promise<Pairs> {
  const k = Math.min(auxiliary.k, dead.length);
  return await using(
    engine,
    () => engine.take(z, "feature", { shape: { dead: dead.length }, data: dead }),
    async (some) => byRow(await engine.top(some, "dead", k), k, from, dead),
  );
}
