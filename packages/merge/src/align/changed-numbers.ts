import type { ReadOptions } from "@resolvent/weights";
import { type Changing, permutedNumbers, READS, type Residual } from "./changing.ts";
import { addScaledSums, multiplyAlong, scaleAlong } from "./multiply-along.ts";
import type { Placed } from "./places.ts";
import { partOf, type Slot, slotsOf } from "./slot.ts";

/** Whether a change does anything to a tensor but put it in order. */
export function isChanged({ residual, layers }: Changing, tensor: Placed): boolean {
  return slotsOf(tensor).some(({ role, layer, ...slot }) => {
    const { values, keys, neurons } = layers[layer] ?? {};
    if (residual !== undefined) {
      const reads = READS.includes(role.replace(/^b/, "W"));
      const normed = residual.folded.size > 0 && reads && !READS.includes(role);
      if (normed || partOf({ role, layer, ...slot }, "residual") !== undefined) return true;
    }
    return (
      (values !== undefined && ["W_V", "b_V", "W_O"].includes(role)) ||
      (keys !== undefined && ["W_Q", "b_Q", "W_K", "b_K"].includes(role)) ||
      (neurons !== undefined && ["W_in", "b_in", "W_out"].includes(role))
    );
  });
}

/** A tensor, or a stretch of one, of the changed model. @throws InputError what reading throws */
export async function changedNumbers(
  changing: Changing,
  tensor: Placed,
  options: ReadOptions,
): Promise<Float64Array<ArrayBuffer>> {
  const numbers = await permutedNumbers(changing, tensor, options);
  for (const slot of slotsOf(tensor)) {
    if (changing.residual !== undefined)
      await foldNorm(changing, changing.residual, slot, numbers, options);
    await changeHeads(changing, slot, numbers);
    if (changing.residual?.like !== undefined)
      await unfoldNorm(changing, changing.residual, slot, numbers, options);
  }
  return numbers;
}

/** A matrix that reads gets the norm's scale, a bias behind it the norm's bias; and the residual basis changes. */
async function foldNorm(
  changing: Changing,
  { Q, norms, like, folded }: Residual,
  slot: Slot,
  x: Float64Array,
  options: ReadOptions,
): Promise<void> {
  const { owner, role } = slot;
  const { scale, bias } = norms.get(owner) ?? {};
  if (role === "norm.scale") {
    x.set(like?.get(owner)?.scale ?? x.fill(1));
    return;
  }
  const part = partOf(slot, "residual");
  if (READS.includes(role) && part !== undefined && scale !== undefined) {
    scaleAlong(x, slot, part, scale);
  }
  if (bias !== undefined && folded.has(owner) && READS.includes(role.replace(/^b/, "W"))) {
    if (role.startsWith("b"))
      await addRead(changing, permutedNumbers, slot, x, { of: bias, times: 1 }, options);
  }
  if (role === "norm.bias") {
    if (folded.has(owner)) {
      x.fill(0);
      return;
    }
    // What stays a bias of the norm stands before its scale.
    for (let i = 0; i < x.length; i++) if (x[i] !== 0) x[i] = (x[i] as number) / (scale?.[i] ?? 1);
  }
  if (Q !== undefined && part !== undefined)
    await multiplyAlong(changing.products, x, slot, part, Q);
}

/** Takes another model's norm out of what reads through it: the reverse of folding. */
async function unfoldNorm(
  changing: Changing,
  { like, folded }: Residual,
  slot: Slot,
  x: Float64Array,
  options: ReadOptions,
): Promise<void> {
  const { owner, role } = slot;
  const { scale, bias } = like?.get(owner) ?? {};
  const part = partOf(slot, "residual");
  if (READS.includes(role) && part !== undefined && scale !== undefined) {
    scaleAlong(
      x,
      slot,
      part,
      scale.map((one) => 1 / one),
    );
  }
  if (role === "norm.bias") {
    if (folded.has(owner)) x.set(bias ?? x);
    else for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * (scale?.[i] ?? 1);
  }
  if (
    bias !== undefined &&
    folded.has(owner) &&
    role.startsWith("b") &&
    READS.includes(role.replace(/^b/, "W"))
  ) {
    await addRead(changing, changedNumbers, slot, x, { of: bias, times: -1 }, options);
  }
}

/** Adds to a bias what its matrix reads of a vector of the residual stream. */
async function addRead(
  changing: Changing,
  numbers: typeof changedNumbers,
  slot: Slot,
  x: Float64Array,
  { of, times }: { readonly of: Float64Array; readonly times: number },
  options: ReadOptions,
): Promise<void> {
  const path = `${slot.owner}.${slot.role.replace(/^b/, "W")}`;
  const tensor = changing.tensors.find(({ holds }) => holds.includes(path));
  const matrix = tensor && slotsOf(tensor).find((one) => one.path === path);
  const part = matrix && partOf(matrix, "residual");
  if (tensor === undefined || matrix === undefined || part === undefined) return; // `folded` has seen it
  addScaledSums(x, slot, await numbers(changing, tensor, options), {
    slot: matrix,
    part,
    by: of,
    times,
  });
}

/** Bases within heads, and scales of neurons. */
async function changeHeads(
  { layers, products, form }: Changing,
  slot: Slot,
  x: Float64Array,
): Promise<void> {
  const { role, layer } = slot;
  const { values, keys, neurons } = layers[layer] ?? {};
  const heads = form.sizes.layers[layer]?.kvHeads ?? 0;
  const change = async (matrices: readonly Float64Array[] | undefined): Promise<void> => {
    const part = partOf(slot, "d_head");
    if (part === undefined) return;
    for (const [kv, matrix] of (matrices ?? []).entries()) {
      await multiplyAlong(products, x, slot, part, matrix, { kv, of: heads });
    }
  };
  if (role === "W_V" || role === "b_V") await change(values?.matrices);
  if (role === "W_O") await change(values?.undoing);
  if (role === "W_K" || role === "b_K") await change(keys?.matrices);
  if (role === "W_Q" || role === "b_Q") await change(keys?.undoing);
  const part = partOf(slot, "mlp");
  if (neurons === undefined || part === undefined) return;
  if (role === "W_in" || role === "b_in") scaleAlong(x, slot, part, neurons);
  if (role === "W_out")
    scaleAlong(
      x,
      slot,
      part,
      neurons.map((one) => 1 / one),
    );
}
