import { bytesPerEntry, encodeNumbers, type ReadOptions } from "@resolvent/weights";
import { checkFinite } from "./finite.ts";
import { mergePlanned } from "./merge-planned.ts";
import { type MergeOptions, mergeTensor } from "./merge-tensor.ts";
import { dot, minus } from "./methods/numbers.ts";
import { type Chooser, Selection } from "./methods/select.ts";
import { slerpBy } from "./methods/slerp.ts";
import { ranksOf } from "./methods/sparsify.ts";
import { SPARSIFIERS } from "./methods/task-methods.ts";
import type { OpenMergeModel } from "./model.ts";
import { outputShape } from "./output.ts";
import { type Visit, type Walk, walkPieces } from "./pieces.ts";
import type { MergePlan, PlannedParameters, PlannedTensor } from "./plan.ts";

/** Visits all pieces of the inputs once. */
type Pass = (visit: Visit) => Promise<void>;

/** Makes a piece of the result from the same piece of the inputs. */
type PieceMerge = (xs: readonly Float64Array[], start: number) => Float64Array;

/**
 * A tensor of the result as it is stored: merged in float64 and rounded once. The inputs are read piece by piece, so that
 * little more than the result is in memory, where what an entry needs of the others can be found in passes before: the cut of
 * TIES and breadcrumbs, the angle of slerp. Other methods, and tables of tokens that are brought to one vocabulary, take whole
 * tensors. The numbers are those of `mergePlanned` to the bit.
 *
 * @throws InputError what `mergePlanned` throws, and `weights/overflow`
 */
export async function mergedBytes(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: MergeOptions & ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const planned = Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  const dtype = planned?.dtype ?? plan.dtype;
  if (planned === undefined || planned.aligned || !inPieces(plan, planned)) {
    const { numbers } = await mergePlanned(plan, name, models, options);
    return encodeNumbers(numbers, dtype, name);
  }
  const entries = outputShape(plan, name, models).reduce((a, b) => a * b, 1);
  const walk: Walk = { name, inputs: planned.inputs, entries };
  const pass: Pass = async (visit) => await walkPieces(walk, models, visit, options);
  const merge = await pieceMerge(plan, planned, walk, pass, options);
  const width = bytesPerEntry(dtype);
  const out = new Uint8Array(entries * width);
  await pass((xs, start) => {
    const numbers = merge(xs, start);
    checkFinite(numbers, `${name} of the result`, start);
    out.set(encodeNumbers(numbers, dtype, name), start * width);
  });
  return out;
}

/** Whether what an entry of the result needs of other entries is known after passes over the inputs. */
function inPieces({ method }: MergePlan, { parameters, inputs }: PlannedTensor): boolean {
  if (["linear", "slerp", "nearswap", "passthrough"].includes(method)) return true;
  const task = SPARSIFIERS[method];
  if (task === undefined) return false;
  const all = inputs.every(({ parameters: own }) => numberOf(own, "density", 1) >= 1);
  return (
    task.sparsifier === undefined ||
    all ||
    (task.sparsifier !== "rank" && parameters.rescale !== true)
  );
}

function numberOf(parameters: PlannedParameters | undefined, key: string, usual: number): number {
  const value = parameters?.[key];
  return typeof value === "number" ? value : usual;
}

async function pieceMerge(
  { method }: MergePlan,
  { inputs, parameters }: PlannedTensor,
  { name, entries }: Walk,
  pass: Pass,
  options: MergeOptions,
): Promise<PieceMerge> {
  const base = inputs.findIndex((input) => input.base);
  const others = inputs.flatMap((input, at) => (input.base ? [] : [{ input, at }]));
  const none = new Float64Array();
  if (method === "slerp") {
    const of = (xs: readonly Float64Array[]): [Float64Array, Float64Array] => [
      xs[base] ?? none,
      xs[others[0]?.at ?? -1] ?? none,
    ];
    const products = { aa: 0, ab: 0, bb: 0 };
    await pass((xs) => addProducts(products, ...of(xs)));
    return (xs) => slerpBy(products, ...of(xs), numberOf(parameters, "t", 0));
  }
  const sparsifier = SPARSIFIERS[method]?.sparsifier;
  const cuts = sparsifier === "magnitude" || sparsifier === "ends";
  const masks: (((delta: Float64Array) => Uint8Array) | undefined)[] = [];
  for (const { input, at } of others) {
    const density = numberOf(input.parameters, "density", 1);
    if (!cuts || density >= 1) {
      masks.push(undefined);
      continue;
    }
    const gamma = sparsifier === "ends" ? numberOf(input.parameters, "gamma", 0) : 0;
    const { from, to } = ranksOf(entries, density, gamma);
    const delta = (xs: readonly Float64Array[]): Float64Array =>
      minus(xs[at] ?? none, xs[base] ?? none);
    const [dropped, above] = [
      await chooser(from, entries, pass, delta),
      await chooser(to, entries, pass, delta),
    ];
    masks.push((own) => {
      const [low, high] = [dropped(own), above(own)];
      return high.map((kept, i) => (low[i] === 1 ? 0 : kept));
    });
  }
  return (xs, start) => {
    const own = xs[base];
    const merged = others.map(({ input, at }, i) => {
      const x = xs[at] ?? none;
      const mask = own && masks[i]?.(minus(x, own));
      return { x, parameters: input.parameters, mask };
    });
    const shape = [xs[0]?.length ?? 0];
    return mergeTensor(
      method,
      { name, shape, parameters, inputs: merged, base: own, start },
      options,
    );
  };
}

async function chooser(
  k: number,
  entries: number,
  pass: Pass,
  delta: (xs: readonly Float64Array[]) => Float64Array,
): Promise<Chooser> {
  const selection = new Selection(k, entries);
  while (!selection.done) {
    await pass((xs) => selection.add(delta(xs)));
    selection.next();
  }
  return selection.chooser();
}

function addProducts(
  products: { aa: number; ab: number; bb: number },
  a: Float64Array,
  b: Float64Array,
): void {
  for (let from = 0; from < a.length; from += 4096) {
    const to = Math.min(from + 4096, a.length); // the stretches of `dot`, so that the sums are the same
    products.aa += dot(a, a, from, to);
    products.ab += dot(a, b, from, to);
    products.bb += dot(b, b, from, to);
  }
}
