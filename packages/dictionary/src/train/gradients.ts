import {
  type AdjointOps,
  adjoint,
  axesOf,
  type Engine,
  type Ops,
  type Recorded,
  readTogether,
  type Shaped,
  sizeAlong,
} from "@resolvent/tensor";
import { type Choice, choiceOf, chooses } from "./choice.ts";
import { chosenLoss } from "./chosen-loss.ts";
import { denseLoss } from "./dense-loss.ts";
import type { LossParts } from "./loss-parts.ts";
import type { Objective } from "./objective.ts";
import { mapTrained, type TrainedWeights, type TrainingRows, weightEntries } from "./weights.ts";

/** A loss on a batch, and what it is made of. */
export interface LossReport {
  /** Of the batch, before the step; the sum of `losses`. */
  readonly loss: number;
  /** `mse`, and `l1`, `auxk`, `prefixes`, `l0`, `tanh`, `preActivation` or `aux`, each with its coefficient. */
  readonly losses: Readonly<Record<string, number>>;
  /** Active features of a row. */
  readonly l0: number;
  /** `1 − Σ‖y − x^‖² / Σ‖y − ȳ‖²` over the batch. */
  readonly explainedVariance: number;
  /** `√Σ g²` over all weights. */
  readonly gradientNorm: number;
  /** On how many rows each feature is active. */
  readonly fired: Float64Array;
  /** The smallest positive activation that batchtopk has kept. */
  readonly smallestKept?: number;
}

/** A loss with its gradients by all weights. */
export interface Gradients<T> extends LossReport {
  readonly gradients: TrainedWeights<T>;
}

/**
 * The loss of a dictionary on rows of a batch, and its gradients by all weights, through `adjoint`. Where decoder rows
 * have length 1, their gradients have no part along them. The caller frees `gradients`.
 *
 * @param dead the features that count as dead, rising
 */
export async function lossAndGradients<T extends Shaped>(
  engine: Engine<T>,
  weights: TrainedWeights<T>,
  objective: Objective,
  rows: TrainingRows<T>,
  dead: Int32Array = new Int32Array(0),
): Promise<Gradients<T>> {
  const { loss, subtractsBias } = objective;
  const choice = chooses(loss)
    ? await choiceOf(engine, weights, { loss, subtractsBias }, rows.input, dead)
    : undefined;
  const found = engine.scope(() => {
    const tape = adjoint(engine);
    const variables = mapTrained(weights, (weight) => tape.variable(weight));
    const fixed = { input: tape.fixed(rows.input), target: tape.fixed(rows.target) };
    const { parts, output, open } = lossOf(tape, engine, variables, objective, fixed, choice);
    const names = Object.keys(parts);
    const total = sum(tape, Object.values(parts));
    const entries = weightEntries(variables);
    const one = engine.fill({}, 1);
    const pulled = tape.gradients(
      total,
      one,
      entries.map(([, variable]) => variable),
    );
    const raw = new Map(entries.map(([name], i) => [name, pulled[i] as T])); // one for each variable
    // What lies between is freed weight by weight: it is as large as they are.
    const gradients = mapTrained(weights, (weight, name) =>
      engine.scope(() => {
        const gradient = engine.arrange(raw.get(name) as T, axesOf(weight.shape)); // of the same names
        return name === "W_dec" && objective.unitDecoder
          ? withoutAlong(engine, gradient, weight)
          : gradient;
      }),
    );
    const error = engine.sub(rows.target, output);
    return {
      gradients,
      names,
      numbers: [
        squares(
          engine,
          weightEntries(gradients).map(([, gradient]) => gradient),
        ),
        squares(engine, [error]),
        squares(engine, [engine.center(rows.target, "row")]),
        ...Object.values(parts).map(({ primal }) => primal),
      ],
      fired: open && engine.sum(open, ["row"]),
    };
  });
  try {
    const read = await readTogether(engine, [...found.numbers, found.fired]);
    engine.free([found.numbers, found.fired]);
    const [norm = [], error = [], spread = [], ...others] = read;
    const first = ([value = Number.NaN]: readonly number[]): number => value;
    const values = others.slice(0, found.names.length).map(first);
    const fired = choice
      ? firedOf(choice, sizeAlong(weights.W_enc.shape, "feature", "train"))
      : Float64Array.from(others.at(-1) ?? []);
    const count = sizeAlong(rows.input.shape, "row", "train");
    return {
      gradients: found.gradients,
      loss: values.reduce((a, b) => a + b, 0),
      losses: Object.fromEntries(found.names.map((name, i) => [name, values[i] as number])), // one each
      l0: fired.reduce((a, b) => a + b, 0) / count,
      explainedVariance: 1 - first(error) / first(spread),
      gradientNorm: Math.sqrt(first(norm)),
      fired,
      ...smallest(loss.kind === "batchtopk" ? choice : undefined),
    };
  } catch (error) {
    engine.free(found);
    throw error;
  }
}

function lossOf<T extends Shaped>(
  tape: AdjointOps<T>,
  ops: Ops<T>,
  weights: TrainedWeights<Recorded<T>>,
  { loss, subtractsBias }: Objective,
  rows: TrainingRows<Recorded<T>>,
  choice: Choice | undefined,
): LossParts<T> {
  if (!chooses(loss)) return denseLoss(tape, ops, weights, { loss, subtractsBias }, rows);
  return chosenLoss(tape, weights, { loss, subtractsBias }, rows, choice as Choice); // made for these
}

function sum<T extends Shaped>(
  tape: AdjointOps<T>,
  [first, ...others]: readonly Recorded<T>[],
): Recorded<T> {
  return others.reduce((total, part) => tape.add(total, part), first as Recorded<T>); // mse at least
}

/** The sum of the squares of all entries, without a copy of them. */
function squares<T extends Shaped>(ops: Ops<T>, tensors: readonly T[]): T {
  return tensors.reduce(
    (total, one) => {
      const axis = axesOf(one.shape).at(-1) as string; // weights and errors have axes
      const own = squaresAlong(ops, one, axis);
      return ops.add(total, ops.sum(own, axesOf(own.shape)));
    },
    ops.fill({}, 0),
  );
}

/** `Σ a²` along an axis. */
function squaresAlong<T extends Shaped>(ops: Ops<T>, a: T, axis: string): T {
  const rms = ops.rms(a, axis, 0);
  return ops.scale(ops.mul(rms, rms), sizeAlong(a.shape, axis, "train"));
}

/** A gradient of decoder rows without its part along each row: `g − (g·d) d / ‖d‖²`. */
function withoutAlong<T extends Shaped>(ops: Ops<T>, gradient: T, W_dec: T): T {
  const along = ops.div(
    ops.sum(ops.mul(gradient, W_dec), ["d_out"]),
    squaresAlong(ops, W_dec, "d_out"),
  );
  return ops.sub(gradient, ops.mul(W_dec, along));
}

function firedOf({ active, values }: Choice, features: number): Float64Array {
  const fired = new Float64Array(features);
  const { data } = active.features;
  for (let i = 0; i < data.length; i++) {
    const feature = data[i] as number; // within
    if ((values[i] as number) > 0) fired[feature] = (fired[feature] as number) + 1; // likewise
  }
  return fired;
}

function smallest(choice: Choice | undefined): { readonly smallestKept?: number } {
  if (choice === undefined) return {};
  let least = Number.POSITIVE_INFINITY;
  const { values } = choice;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number; // within
    if (value > 0 && value < least) least = value;
  }
  return Number.isFinite(least) ? { smallestKept: least } : {};
}
