import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { MlpBlock, UnitChoice } from "./model.ts";

/** Halvings of the interval in which a least value is looked for: beyond what float64 tells apart. */
const HALVINGS = 64;

/** Keeps the size of a row of zeros above 0, in float32 too. */
const LEAST = 1e-30;

/** The units of an MLP with thresholds that are open, 1 or 0; bent ones `tanh(z)/z`: the gate that makes `post` of `pre`. */
export function openUnits<T extends Shaped>(
  ops: Ops<T>,
  block: Pick<MlpBlock<T>, "mask" | "choice" | "bent"> & { readonly threshold: T },
  pre: T,
): T {
  return ops.scope(() => {
    const { threshold, mask, choice, bent } = block;
    const above = ops.gate(ops.sub(pre, threshold), "relu");
    const chosen = choice === undefined ? above : ops.mul(above, chosenUnits(ops, pre, choice));
    const open = mask === undefined ? chosen : ops.mul(chosen, mask);
    return bent === undefined ? open : bentUnits(ops, pre, open, bent);
  });
}

/** `tanh z = 2σ(2z) − 1` over `z` of open units; closed ones, `z = 0` among them, are divided by 1. */
function bentUnits<T extends Shaped>(ops: Ops<T>, pre: T, open: T, bent: number): T {
  const all = sizeAlong(pre.shape, "d_mlp", "bentUnits");
  const first = (x: T): T => (bent === all ? x : ops.slice(x, "d_mlp", 0, bent));
  const [z, passes, one] = [first(pre), first(open), ops.fill({}, 1)];
  const doubled = ops.scale(ops.gate(ops.scale(z, 2), "silu"), 2);
  const tanh = ops.mul(ops.sub(doubled, one), passes);
  const gate = ops.div(tanh, ops.add(ops.mul(z, passes), ops.sub(one, passes)));
  return bent === all ? gate : ops.concat([gate, ops.slice(open, "d_mlp", bent, all)], "d_mlp");
}

/**
 * 1 for the `each` largest of every group, else 0, and 1 for units that are in none: `…, d_mlp`. Of equal ones at the
 * last place all pass.
 *
 * The least value that passes is found by halving an interval, in which the count of what is above it falls below
 * `each`: what counts is not read back, so that the choice is one of the operations of a block.
 */
function chosenUnits<T extends Shaped>(
  ops: Ops<T>,
  pre: T,
  { units, groups, each }: UnitChoice,
): T {
  const all = sizeAlong(pre.shape, "d_mlp", "chosenUnits");
  const member = units / groups;
  const own = units === all ? pre : ops.slice(pre, "d_mlp", 0, units);
  const z = ops.split(own, "d_mlp", { group: groups, member });
  const size = ops.scale(ops.rms(z, "member", LEAST), 1.01 * Math.sqrt(member)); // above each |z|
  const one = ops.fill({}, 1);
  let [low, high] = [ops.scale(size, -1), size];
  for (let step = 0; step < HALVINGS; step++) {
    [low, high] = ops.scope((): [T, T] => {
      const middle = ops.scale(ops.add(low, high), 0.5);
      const count = ops.sum(ops.gate(ops.sub(z, middle), "relu"), ["member"]);
      const enough = ops.gate(ops.sub(count, ops.fill({}, each - 0.5)), "relu");
      const few = ops.sub(one, enough);
      return [
        ops.add(ops.mul(enough, middle), ops.mul(few, low)),
        ops.add(ops.mul(few, middle), ops.mul(enough, high)),
      ];
    });
  }
  const chosen = ops.join(ops.gate(ops.sub(z, low), "relu"), ["group", "member"], "d_mlp");
  if (units === all) return chosen;
  const rest = ops.fill({ ...chosen.shape, d_mlp: all - units }, 1);
  return ops.concat([chosen, rest], "d_mlp");
}
