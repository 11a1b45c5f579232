import type { Ops, Shaped } from "@resolvent/tensor";

/**
 * `cap · tanh(x / cap)` (Gemma 2's soft cap): near `x` where `|x|` is small, and never beyond ±cap. The values as they
 * are where there is no cap.
 *
 * Written as `2·cap·σ(2x/cap) − cap`, which every interpreter has: absolute errors are those of numbers of the size of
 * the cap.
 */
export function softCap<T extends Shaped>(ops: Ops<T>, cap: number | undefined, x: T): T {
  if (cap === undefined) return x;
  return ops.scope(() => {
    const steep = ops.gate(ops.scale(x, 2 / cap), "silu");
    return ops.sub(ops.scale(steep, 2 * cap), ops.fill({}, cap));
  });
}
