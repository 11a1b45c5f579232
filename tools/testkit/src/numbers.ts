/** Numbers with named axes, last axis fastest: a `Tensor` of `@resolvent/tensor`, by its form. */
export interface TensorLike {
  readonly shape: Readonly<Record<string, number>>;
  readonly data: ArrayLike<number>;
}

/** What the matcher takes: a number, arrays of them in any depth, a typed array, or a tensor. */
export type Numbers = number | TensorLike | ArrayLike<number> | readonly Numbers[];

/** Numbers in one row, with their sizes and, of a tensor, the names of the axes. */
export interface Table {
  readonly axes: readonly string[] | undefined;
  readonly sizes: readonly number[];
  readonly data: ArrayLike<number>;
}

function isTensor(value: object): value is TensorLike {
  return "shape" in value && "data" in value;
}

function isTypedArray(value: object): value is ArrayLike<number> & object {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** Any accepted form as one row of numbers. Throws a TypeError for anything else and for ragged arrays. */
export function tableOf(value: unknown): Table {
  if (typeof value === "number") return { axes: undefined, sizes: [], data: [value] };
  if (typeof value === "object" && value !== null) {
    if (isTypedArray(value)) return { axes: undefined, sizes: [value.length], data: value };
    if (Array.isArray(value)) return tableOfList(value);
    if (isTensor(value)) return tableOfTensor(value);
  }
  throw new TypeError(
    `toBeNear compares numbers, arrays, typed arrays and tensors, not ${String(value)}.`,
  );
}

function tableOfTensor(value: TensorLike): Table {
  const axes = Object.keys(value.shape);
  const sizes = Object.values(value.shape);
  const size = sizes.reduce((product, n) => product * n, 1);
  if (size !== value.data.length) {
    throw new TypeError(
      `A tensor of shape ${JSON.stringify(value.shape)} has ${value.data.length} entries.`,
    );
  }
  return { axes, sizes, data: value.data };
}

function tableOfList(list: readonly unknown[]): Table {
  if (list.every((entry) => typeof entry === "number")) {
    return { axes: undefined, sizes: [list.length], data: list };
  }
  const rows = list.map(tableOf);
  const inner = rows[0]?.sizes ?? [];
  if (rows.some((row) => row.sizes.join() !== inner.join())) {
    throw new TypeError("toBeNear needs arrays whose rows have the same length.");
  }
  return {
    axes: undefined,
    sizes: [list.length, ...inner],
    data: rows.flatMap((row) => Array.from(row.data)),
  };
}

/** `{pos: 5, d_model: 64}` of a tensor, `[5, 64]` of arrays: how a table's shape is printed. */
export function showSizes(table: Table): string {
  if (table.axes === undefined) return `[${table.sizes.join(", ")}]`;
  return `{${table.axes.map((axis, i) => `${axis}: ${table.sizes[i]}`).join(", ")}}`;
}

/** The place of an entry: `[pos 3, d_model 17]` of a tensor, `[3, 17]` of arrays, `` of a number. */
export function showPlace(table: Table, index: number): string {
  if (table.sizes.length === 0) return "";
  const place: number[] = [];
  let rest = index;
  for (const size of table.sizes.toReversed()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${place.map((n, i) => (table.axes === undefined ? `${n}` : `${table.axes[i]} ${n}`)).join(", ")}]`;
}

/**
 * `table` in the memory order of `other`, or undefined where they cannot be compared. Two tensors need the
 * same axes and sizes, in any order. Otherwise sizes must agree; against a tensor, a row of as many numbers
 * is taken in the tensor's memory order.
 */
export function arrangedLike(table: Table, other: Table): Table | undefined {
  if (table.axes !== undefined && other.axes !== undefined) return permuted(table, other);
  if (table.sizes.join() === other.sizes.join()) return { ...other, data: table.data };
  const row = table.axes === undefined ? table : other;
  const oneIsTensor = table.axes !== undefined || other.axes !== undefined;
  const fits = oneIsTensor && row.sizes.length === 1 && table.data.length === other.data.length;
  return fits ? { ...other, data: table.data } : undefined;
}

function permuted(table: Table, other: Table): Table | undefined {
  const strides = new Map<string, number>();
  let stride = 1;
  const axes = table.axes ?? [];
  for (let i = axes.length - 1; i >= 0; i--) {
    strides.set(axes[i] ?? "", stride);
    stride *= table.sizes[i] ?? 1;
  }
  const sizeOf = new Map(axes.map((axis, i) => [axis, table.sizes[i]]));
  const names = other.axes ?? [];
  const same = names.every((axis, i) => sizeOf.get(axis) === other.sizes[i]);
  if (!same || names.length !== axes.length) return undefined;
  const data = new Float64Array(table.data.length);
  for (let to = 0; to < data.length; to++) {
    let rest = to;
    let from = 0;
    for (let i = names.length - 1; i >= 0; i--) {
      const size = other.sizes[i] ?? 1;
      from += (rest % size) * (strides.get(names[i] ?? "") ?? 0);
      rest = Math.floor(rest / size);
    }
    data[to] = table.data[from] ?? Number.NaN;
  }
  return { ...other, data };
}
