import { isInputError } from "@resolvent/tensor";
import { bytesPerEntry, type Dtype, encodeNumbers, type ReadOptions } from "@resolvent/weights";
import type { Pass } from "./cuts.ts";
import { mergePlanned } from "./merge-planned.ts";
import type { MergeOptions } from "./merge-tensor.ts";
import type { OpenMergeModel } from "./model.ts";
import { outputShape } from "./output.ts";
import type { MergePlan } from "./plan.ts";
import type { Program } from "./program.ts";
import { programFor } from "./program-for.ts";
import { entriesOf, inputsFor } from "./tensor-inputs.ts";
import { trimsOf } from "./trims.ts";
import { type Walk, walk } from "./walk.ts";
import { hereWorkshop, type Workshop } from "./workshop.ts";

export type PieceOptions = MergeOptions & ReadOptions & Workshop;

/**
 * A tensor of the result as it is stored: merged in float64 and rounded once.
 *
 * @throws InputError what `mergePlanned` throws, and `weights/overflow`
 */
export async function mergedBytes(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: MergeOptions & ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const dtype = dtypeOf(plan, name);
  const entries = entriesOf(plan, name, models);
  const out = new Uint8Array(entries * bytesPerEntry(dtype));
  let at = 0;
  for await (const bytes of mergedPieces(plan, name, models, {
    ...(await hereWorkshop()),
    ...options,
  })) {
    out.set(bytes, at);
    at += bytes.byteLength;
  }
  return out;
}

function dtypeOf(plan: MergePlan, name: string): Dtype {
  return (Object.hasOwn(plan.tensors, name) ? plan.tensors[name]?.dtype : undefined) ?? plan.dtype;
}

/**
 * The same piece by piece, in order, each valid until the next is asked for: the inputs are read piece by piece too, so that
 * some MB of each are in memory. What an entry needs of the others (the cut of TIES, the angle of slerp) is found in passes
 * before. The numbers are those of `mergePlanned` to the bit where sums of the whole tensor take no part, or are those of
 * slerp. It begins at once, not when the first piece is asked for.
 */
export function mergedPieces(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: PieceOptions,
): AsyncGenerator<Uint8Array> {
  const begun = begin(plan, name, models, options);
  begun.catch(() => {}); // it is awaited, unless something else has failed before
  return (async function* () {
    try {
      for await (const { bytes } of await begun) yield bytes;
    } catch (error) {
      // Why a row has no answer, the method itself says.
      const odd = isInputError(error) && error.code === "merge/not-finite";
      if (odd && plan.method === "model_stock") await mergePlanned(plan, name, models, options);
      throw error;
    }
  })();
}

async function begin(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: PieceOptions,
): Promise<AsyncIterable<{ readonly bytes: Uint8Array }>> {
  const planned = Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  const dtype = dtypeOf(plan, name);
  const whole = async (): Promise<AsyncIterable<{ readonly bytes: Uint8Array }>> => {
    const { numbers } = await mergePlanned(plan, name, models, options);
    return (async function* () {
      yield { bytes: encodeNumbers(numbers, dtype, name) };
    })();
  };
  if (planned === undefined) return await whole();
  const shape = outputShape(plan, name, models);
  const own: Walk = {
    name,
    inputs: await inputsFor(plan, name, models, options),
    entries: entriesOf(plan, name, models),
  };
  const trims = await trimsOf(plan, name, models, options);
  const pass: Pass = async (program, visit) => {
    for await (const block of walk(own, program, undefined, options)) visit(block);
  };
  const dtypes = own.inputs.map((input) => input.dtype);
  const program: Program | undefined = await programFor(
    plan.method,
    { name, shape, entries: own.entries, planned, dtypes, pass, trims },
    options,
  );
  return program === undefined ? await whole() : walk(own, program, dtype, options);
}
