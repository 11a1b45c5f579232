import { InputError } from "./errors.ts";
import type { Tensor } from "./ops.ts";
import { type Axis, axesOf, sizeAlong, stridesOf, withoutAxes } from "./shape.ts";
import { inOrder, placesIn } from "./tensor.ts";

/** Arrays in arrays, one level for each axis; a number where there is none. */
export type Nested = number | readonly Nested[];

/** The same for a known list of axes: `number[][]` of two. */
export type NestedBy<Axes extends readonly unknown[]> = Axes extends readonly [
  unknown,
  ...infer Rest,
]
  ? NestedBy<Rest>[]
  : number;

/** What is left of a value once some of its axes are fixed: a number where that are all of them. */
export type ValueRest<A extends Axis, Fixed> = string extends A
  ? number | Value
  : [Exclude<A, Fixed>] extends [never]
    ? number
    : Value<Exclude<A, Fixed>>;

/** A host tensor that is read by the names of its axes, which are part of its type where they are known. */
export interface Value<A extends Axis = Axis> extends Tensor {
  /**
   * The entries at some indices, which may count from the end as those of `Array.at` do: a number where all axes are
   * given, else a smaller value.
   *
   * ```ts
   * pattern.at({ head: 1, pos: -1, key_pos: 0 }); // a number
   * pattern.at({ head: 1 }); // pos, key_pos
   * ```
   *
   * @throws InputError `tensor/no-axis`, `tensor/no-entry`
   */
  at<const Where extends { readonly [Name in A]?: number }>(
    where: Where,
  ): ValueRest<A, keyof Where>;
  /**
   * Everything along an axis, in order: numbers where it is the only one.
   *
   * @throws InputError `tensor/no-axis`
   */
  rows<Name extends A>(axis: Name): ValueRest<A, Name>[];
  /**
   * Plain arrays in arrays, the first axis outermost; in memory order where none are named.
   *
   * @throws InputError `tensor/no-axis`; `tensor/bad-axis` where not every axis is named once
   */
  nested(): Nested;
  nested<const Axes extends readonly [A, ...A[]]>(...axes: Axes): NestedBy<Axes>;
}

/**
 * A host tensor as a value that is read by the names of its axes. Its numbers are not copied.
 *
 * ```ts
 * const value = hostValue<"pos" | "head">(tensor({ pos: 2, head: 2 }, [1, 2, 3, 4]));
 * value.at({ pos: 1, head: 0 }); // 3
 * value.rows("pos").map((row) => row.at({ head: 1 })); // [2, 4]
 * value.nested("head", "pos"); // [[1, 3], [2, 4]]
 * ```
 */
export function hostValue<A extends Axis = Axis>({ shape, data }: Tensor): Value<A> {
  const at = (where: Readonly<Record<Axis, number>>): number | Value => {
    const start = offset({ shape, data }, where);
    const rest = withoutAxes(shape, Object.keys(where));
    if (axesOf(rest).length === 0) return data[start] ?? Number.NaN; // it is within
    const places = placesIn(shape, rest);
    return hostValue({
      shape: rest,
      data: taken(data, (i) => (places[i] ?? 0) + start, places.length),
    });
  };
  const rows = (axis: Axis): (number | Value)[] =>
    Array.from({ length: sizeAlong(shape, axis, "rows") }, (_, i) => at({ [axis]: i }));
  const value = {
    ...{ shape, data, at, rows },
    nested: (...axes: readonly Axis[]) =>
      axes.length === 0 ? nest({ shape, data }) : nest(allInOrder({ shape, data }, axes)),
  };
  return value as unknown as Value<A>; // its methods give what the types say of the axes
}

/** The place of the first entry at some indices. */
function offset({ shape }: Tensor, where: Readonly<Record<Axis, number>>): number {
  const strides = stridesOf(shape);
  return Object.entries(where).reduce((place, [axis, index]) => {
    const size = sizeAlong(shape, axis, "at");
    const i = index < 0 ? size + index : index;
    if (Number.isInteger(i) && i >= 0 && i < size) return place + i * (strides[axis] ?? 0);
    throw new InputError({
      code: "tensor/no-entry",
      message: `at: "${axis}" has ${size} entries, got ${index}.`,
      remedy: `They are 0 to ${size - 1}, or −1 for the last.`,
      details: { axis, size, got: index },
    });
  }, 0);
}

function taken(
  data: Tensor["data"],
  place: (i: number) => number,
  length: number,
): Float64Array | Float32Array {
  const made = data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i++) made[i] = data[place(i)] ?? Number.NaN; // places are within
  return made;
}

function allInOrder(tensor: Tensor, axes: readonly Axis[]): Tensor {
  for (const axis of axes) sizeAlong(tensor.shape, axis, "nested");
  const all = axesOf(tensor.shape);
  if (new Set(axes).size === axes.length && axes.length === all.length)
    return inOrder(tensor, axes);
  throw new InputError({
    code: "tensor/bad-axis",
    message: `nested: expected each of the axes ${all.join(", ")} once, got ${axes.join(", ")}.`,
    remedy: "Name all of them, or fix some first: value.at({ batch: 0 }).",
    details: { where: "nested", expected: all, got: axes },
  });
}

function nest({ shape, data }: Tensor): Nested {
  return Object.values(shape).reduceRight<readonly Nested[]>(
    (parts, size) =>
      Array.from({ length: size === 0 ? 0 : parts.length / size }, (_, i) =>
        parts.slice(i * size, (i + 1) * size),
      ),
    Array.from(data),
  )[0] as Nested; // of no axes one number, of some one array
}
