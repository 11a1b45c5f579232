import { axesOf, type Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";

/** What may differ between models of one shape: a run computes with none of it. Tied weights are two that are equal. */
const FREE = new Set(["name", "sha256", "warnings", "bos", "eos", "tied"]);

/**
 * Nothing where models have the same weights by name and shape, and are computed alike: then their weights, and whatever
 * arises in their runs, can be compared and combined entry by entry.
 *
 * @throws InputError `merge/shapes-differ` by the path of the first difference; `merge/streamed` for a model whose layers
 * are read when they are reached
 */
export function checkSameShape<T extends Shaped>(...models: readonly Model<T>[]): void {
  for (const { name, stages } of models) {
    if (Array.isArray(stages)) continue;
    throw refuse(
      "streamed",
      `${name} is read layer by layer, and its weights are combined with another's.`,
      "Load it whole.",
      { model: name },
    );
  }
  const [first, ...others] = models;
  if (first === undefined) return;
  for (const other of others) {
    const found = difference(first, other, "");
    if (found === undefined) continue;
    const { path, left, right } = found;
    throw refuse(
      "shapes-differ",
      `${path} is ${left} in ${first.name} and ${right} in ${other.name}.`,
      "Compare models of one shape.",
      { path, first: left, second: right },
    );
  }
}

interface Difference {
  readonly path: string;
  readonly left: string;
  readonly right: string;
}

function difference(a: unknown, b: unknown, path: string): Difference | undefined {
  if (!isObject(a) || !isObject(b)) {
    return Object.is(a, b) ? undefined : { path, left: said(a), right: said(b) };
  }
  if (isWeight(a) && isWeight(b)) {
    const [left, right] = [shapeText(a), shapeText(b)];
    return left === right ? undefined : { path, left, right };
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (FREE.has(key)) continue;
    const found = difference(a[key], b[key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** What has a shape is a weight; everything else in a model is a plain setting. */
function isWeight(value: object): value is Shaped {
  return "shape" in value;
}

function said(value: unknown): string {
  if (value === undefined) return "absent";
  return isObject(value) ? "there" : String(value);
}

/** Axes by name: the same weight may lie in memory in another order. */
function shapeText({ shape }: Shaped): string {
  return `[${axesOf(shape)
    .sort()
    .map((axis) => `${axis} ${shape[axis]}`)
    .join(", ")}]`;
}
