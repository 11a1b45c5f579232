import { type Engine, type Ids, type Shaped, sizeAlong, type Top, using } from "@resolvent/tensor";
import { rowsAtOnce } from "../rows-at-once.ts";
import type { Objective } from "./objective.ts";
import { encodedFrom, offset } from "./pre-activations.ts";
import type { TrainedWeights } from "./weights.ts";

/** Pairs of a row and a feature of it. */
export interface Pairs {
  readonly rows: Ids;
  readonly features: Ids;
  /** The features that they were chosen among, rising; absent where that are all. */
  readonly among?: Int32Array;
}

/** Which activations a batch has, where a choice among many decides it. */
export interface Choice {
  readonly active: Pairs;
  /** Their pre-activations. */
  readonly values: ArrayLike<number>;
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
  const step = loss.kind === "topk" ? rowsAtOnce(engine, { rows, features }) : rows;
  const active = pairsOf(k * rows);
  const values = new Float64Array(k * rows);
  const more = auxiliary === undefined ? 0 : Math.min(auxiliary.k, dead.length);
  const revived = more === 0 ? undefined : pairsOf(more * rows, dead);
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
            const found =
              loss.kind === "topk"
                ? await engine.top(z, "feature", k)
                : await overall(engine, z, k * rows);
            values.set(found.values.data, k * from);
            if (loss.kind === "topk") place(active, found.indices.data, k, from);
            else placeAnywhere(active, found.indices.data, features);
            if (revived === undefined) return;
            place(revived, await largestAmong(engine, z, dead, more), more, from, dead);
          },
        );
      }
    },
  );
  return { active, values, ...(revived && { revived }) };
}

function pairsOf(count: number, among?: Int32Array): Pairs {
  const ids = (): Ids => ({ shape: { entry: count }, data: new Int32Array(count) });
  return { rows: ids(), features: ids(), ...(among !== undefined && { among }) };
}

/**
 * Writes the features of some rows, `each` of them, from row `from` on.
 *
 * @param names what stands at the places that were found, where they are places in a list
 */
function place(to: Pairs, found: Int32Array, each: number, from: number, names?: Int32Array): void {
  const [rows, features] = [to.rows.data, to.features.data];
  for (let i = 0; i < found.length; i++) {
    const at = found[i] as number; // within
    rows[each * from + i] = from + Math.floor(i / each);
    features[each * from + i] = names === undefined ? at : (names[at] as number); // within
  }
}

/** Writes the pairs that were found among all of a batch. */
function placeAnywhere(to: Pairs, found: Int32Array, features: number): void {
  for (let i = 0; i < found.length; i++) {
    const at = found[i] as number; // within
    to.rows.data[i] = Math.floor(at / features);
    to.features.data[i] = at % features;
  }
}

async function overall<T extends Shaped>(engine: Engine<T>, z: T, count: number): Promise<Top> {
  return await using(
    engine,
    () => engine.join(z, ["row", "feature"], "entry"),
    async (flat) => await engine.top(flat, "entry", count),
  );
}

/** The places in `dead` of each row's `k` largest. */
async function largestAmong<T extends Shaped>(
  engine: Engine<T>,
  z: T,
  dead: Int32Array,
  k: number,
): Promise<Int32Array> {
  return await using(
    engine,
    () => engine.take(z, "feature", { shape: { dead: dead.length }, data: dead }),
    async (some) => (await engine.top(some, "dead", k)).indices.data,
  );
}
