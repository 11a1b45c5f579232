import { cost } from "./cost.ts";
import { InputError } from "./errors.ts";
import type { Ops } from "./ops.ts";
import { checkSameAxes } from "./rules/checks.ts";
import { type Axis, axesOf, type Shape, type Shaped, withoutAxes } from "./shape.ts";

/** A value on a tape. */
export interface Traced<T extends Shaped> extends Shaped {
  /** Absent where nothing but the shape is known. */
  readonly primal: T | undefined;
  /** −1 for constants, which take no covector. */
  readonly index: number;
}

/**
 * A covector on its way back, `values · weight`. It stays a product until an axis of `weight` matters, so that the
 * transpose of reading one row of many (one query's attention) costs one row's work, and not all.
 */
export interface Covector<T> {
  readonly values: T;
  readonly weight?: T | undefined;
}

interface Step<T extends Shaped> {
  readonly output: Traced<T>;
  readonly inputs: readonly Traced<T>[];
  readonly pull: Pull<T>;
}

/** The covector of input `i`, from that of the output `y`; undefined where it is zero. */
type Pull<T extends Shaped> = (c: Covector<T>, i: number, y: Traced<T>) => Covector<T> | undefined;

/** An operation of one or more operands, over any interpreter. */
export type Program = <V extends Shaped>(on: Ops<V>, ...operands: V[]) => V;

/** What has been computed, and how to go back through it. */
export interface Tape<T extends Shaped> {
  /** What covectors are pulled back to: a value, or, to be linear in, a shape alone. */
  variable(shape: Shape, primal?: T): Traced<T>;
  fixed(primal: T): Traced<T>;
  /** Runs an operation on what is known, or else on shapes, and writes down how to go back. */
  record(inputs: readonly Traced<T>[], run: Program, pull: Pull<T>): Traced<T>;
  /** A covector of a value multiplied out; a batch, which the weight has not, first. */
  whole(covector: Covector<T>, of: Shaped): T;
  /**
   * `covectorᵀ · ∂output/∂x` for each `x` of `wrt`: the axes of `x` and those that the covector has besides the
   * output's, in any memory order.
   */
  pull(output: Traced<T>, covector: T, wrt: readonly Traced<T>[]): T[];
  /**
   * Refuses a covector without the output's axes, or with an axis of a batch that something on the tape has too.
   * @throws InputError `tensor/size-mismatch`, `tensor/repeated-axis`
   */
  checkCovector(output: Shaped, covector: Shaped, where: string): void;
}

/** @param where what errors are said to come from */
export function emptyTape<T extends Shaped>(ops: Ops<T>, where: string): Tape<T> {
  const tape: Step<T>[] = [];
  const axes = new Set<Axis>();
  const shapes = cost(); // an interpreter that works with shapes alone
  const fixed = (primal: T): Traced<T> => ({ shape: primal.shape, primal, index: -1 });
  /** Refuses nodes of another tape, whose indices would name other steps here. */
  const checkOwn = (nodes: readonly Traced<T>[]): void => {
    if (nodes.every((node) => node.index < 0 || tape[node.index]?.output === node)) return;
    throw new InputError({
      code: "tensor/other-tape",
      message: `${where}: expected values of this tape, of ${tape.length} steps, got one of another.`,
      remedy: "Bring its primal over with fixed() or variable().",
      details: { where, steps: tape.length, got: nodes.map((node) => node.index) },
    });
  };
  const push = (
    shape: Shape,
    primal: T | undefined,
    inputs: readonly Traced<T>[],
    pull: Pull<T>,
  ): Traced<T> => {
    const output = { shape, primal, index: tape.length };
    tape.push({ output, inputs, pull });
    for (const one of [output, ...inputs]) for (const axis in one.shape) axes.add(axis);
    return output;
  };
  const record = (inputs: readonly Traced<T>[], run: Program, pull: Pull<T>): Traced<T> => {
    checkOwn(inputs);
    const known = inputs.flatMap(({ primal }) => primal ?? []);
    if (known.length === inputs.length) {
      const y = run(ops, ...known);
      if (inputs.every(({ index }) => index < 0)) return fixed(y);
      return push(y.shape, y, inputs, pull);
    }
    const shaped = inputs.map(({ shape }) => ({ shape, bytes: 0 }));
    return push(run(shapes, ...shaped).shape, undefined, inputs, pull);
  };

  const whole = ({ values, weight }: Covector<T>, { shape }: Shaped): T =>
    weight === undefined
      ? values
      : ops.mul(ops.broadcast(weight, withoutAxes(values.shape, axesOf(shape))), values);

  /** The sum of two covectors, in the order of the first: a product that is yet to be made is made in that order. */
  const added = (sum: Covector<T>, part: Covector<T>, of: Shaped): T => {
    const total = whole(sum, of);
    const { values, weight } = part;
    const first = axesOf(total.shape)[0] ?? "";
    if (weight === undefined || !(first in values.shape)) return ops.add(total, whole(part, of));
    return ops.add(total, ops.mul(values, weight));
  };

  return {
    checkCovector: (output, covector, asked) => {
      const batch = axesOf(covector.shape).filter((axis) => !(axis in output.shape));
      checkSameAxes(output.shape, withoutAxes(covector.shape, batch), asked);
      const twice = batch.find((axis) => axes.has(axis));
      if (twice === undefined) return;
      throw new InputError({
        code: "tensor/repeated-axis",
        message: `${asked}: expected axes of the output ${axesOf(output.shape).join(", ")} and new ones, got "${twice}", which something in the map has too.`,
        remedy: "Rename that axis of the covector first.",
        details: { where: asked, axis: twice, got: covector.shape },
      });
    },
    fixed,
    record,
    whole,
    variable: (shape, primal) => push(shape, primal, [], () => undefined),
    pull: (output, covector, wrt) => {
      checkOwn([output, ...wrt]);
      const arrived: (Covector<T> | undefined)[] = [];
      if (output.index >= 0) arrived[output.index] = { values: covector };
      for (let n = output.index; n >= 0; n--) {
        const step = tape[n];
        const c = arrived[n];
        if (step === undefined || c === undefined) continue;
        step.inputs.forEach((input, i) => {
          if (input.index < 0) return;
          const part = step.pull(c, i, step.output);
          if (part === undefined) return;
          const sum = arrived[input.index];
          arrived[input.index] = sum === undefined ? part : { values: added(sum, part, input) };
        });
      }
      const batch = withoutAxes(covector.shape, axesOf(output.shape));
      return wrt.map((x) => {
        const c = arrived[x.index];
        return c === undefined ? ops.fill({ ...batch, ...x.shape }, 0) : whole(c, x);
      });
    },
  };
}
