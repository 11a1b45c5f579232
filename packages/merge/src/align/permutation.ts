import { refuse } from "../refuse.ts";
import type { Sizes } from "./places.ts";

/**
 * An order of everything of a model that may stand in any order, without the model computing anything else. Each list tells for
 * a new place which old one stands there.
 */
export interface Permutation {
  /** Of the residual stream's basis: one for the whole model. */
  readonly residual: readonly number[];
  /** 1 or −1 for each new place of the residual basis, for models whose norms are RMSNorms; default 1. */
  readonly signs?: readonly number[];
  /** Of the neurons of each layer's MLP; empty where a layer has none. */
  readonly mlp: readonly (readonly number[])[];
  /** Of the query heads of each layer. Heads that share a key-value head stay together, and it goes with them. */
  readonly heads: readonly (readonly number[])[];
}

/** Everything where it is. */
export function identityOf(sizes: Sizes): Permutation {
  return {
    residual: upTo(sizes.residual),
    mlp: sizes.layers.map(({ mlp }) => upTo(mlp)),
    heads: sizes.layers.map(({ kvHeads, group }) => upTo(kvHeads * group)),
  };
}

/** What undoes a permutation. */
export function inverse({ residual, signs, mlp, heads }: Permutation): Permutation {
  const back = undo(residual);
  return {
    residual: back,
    ...(signs !== undefined && { signs: back.map((now) => signs[now] ?? 1) }),
    mlp: mlp.map(undo),
    heads: heads.map(undo),
  };
}

/** Where the key-value heads stand when query heads, `group` to each, stand as given. */
export function kvOrder(heads: readonly number[], group: number): number[] {
  return heads.filter((_, i) => i % group === 0).map((head) => Math.floor(head / group));
}

/**
 * Stops at what is no permutation of a model of these sizes.
 *
 * @throws InputError `merge/permutation`, `merge/align-signs`
 */
export function checkPermutation(permutation: Permutation, sizes: Sizes): void {
  const { residual, signs, mlp, heads } = permutation;
  const { layers } = sizes;
  checkOrder("residual", residual, sizes.residual);
  if (signs !== undefined) {
    checkSignsFree(sizes);
    const ones = signs.filter((sign) => Math.abs(sign) === 1).length;
    if (ones !== sizes.residual || signs.length !== ones) {
      throw wrong(
        "signs",
        `has ${ones} signs in a list of ${signs.length}; ${sizes.residual} are needed`,
      );
    }
  }
  for (const [what, lists] of Object.entries({ mlp, heads })) {
    if (lists.length === layers.length) continue;
    throw wrong(what, `has ${lists.length} lists; the model has ${layers.length} layers`);
  }
  for (const [layer, size] of layers.entries()) {
    const order = heads[layer] ?? [];
    checkOrder(`mlp[${layer}]`, mlp[layer] ?? [], size.mlp);
    checkOrder(`heads[${layer}]`, order, size.kvHeads * size.group);
    const kv = kvOrder(order, size.group);
    const strayed = order.findIndex(
      (head, i) => Math.floor(head / size.group) !== kv[Math.floor(i / size.group)],
    );
    if (strayed === -1) continue;
    throw wrong(
      `heads[${layer}]`,
      `parts heads that share a key-value head (${size.group} do): ${order[strayed]} stands at ${strayed}`,
    );
  }
}

/**
 * Stops where signs of the residual basis are not free.
 *
 * @throws InputError `merge/align-signs`
 */
export function checkSignsFree({ signsFree }: Sizes): void {
  if (signsFree) return;
  throw refuse(
    "align-signs",
    "The model has LayerNorms, which centre: other signs of single coordinates give another model.",
    "Align it without signs.",
  );
}

function checkOrder(what: string, order: readonly number[], size: number): void {
  const seen = new Set(order);
  const odd = order.find((one) => !Number.isInteger(one) || one < 0 || one >= size);
  if (odd !== undefined) throw wrong(what, `has ${odd}; it should hold 0 to ${size - 1}`);
  if (order.length === size && seen.size === size) return;
  throw wrong(what, `has ${seen.size} different places of ${size}, in a list of ${order.length}`);
}

function wrong(what: string, says: string): Error {
  return refuse("permutation", `${what} ${says}.`, "Give each old place once.", { what });
}

function undo(order: readonly number[]): number[] {
  const back = new Array<number>(order.length).fill(0);
  for (const [now, old] of order.entries()) back[old] = now;
  return back;
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
