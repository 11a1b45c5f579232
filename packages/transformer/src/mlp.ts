import type { Ops, Shaped } from "@resolvent/tensor";
import { affine } from "./attention.ts";
import type { Activation, MlpBlock } from "./model.ts";
import { normalize, normedRead } from "./norm.ts";
import { openUnits } from "./open-units.ts";
import type { Sites } from "./sites.ts";

/**
 * What an MLP writes: `W_out (g · z) + b_out` with `z = W_in n(r) + b_in` and `g = φ(z)/z`, or, gated,
 * `g = φ(W_gate n(r) + b_gate)` (Shazeer 2020), or, with thresholds, `g = 1[z > θ]` (of those that are chosen); through a norm of what it writes,
 * where there is one. `g` is the site `gate`; with it and σ frozen the block is affine.
 *
 * @param read the residual stream, `…, pos, d_model`
 */
export function mlp<T extends Shaped>(
  ops: Ops<T>,
  block: MlpBlock<T>,
  read: T,
  sites: Sites<T>,
): T {
  const seen = normedRead(ops, block, read, sites);
  const normed = normalize(ops, block.inputNorm, seen, "d_model", sites, "input_norm");
  const pre = sites.at("pre", () =>
    affine(ops, normed, { W: block.W_in, b: block.b_in }, ["d_model"]),
  );
  const gate = sites.at("gate", () => {
    const { threshold } = block;
    if (threshold !== undefined) return openUnits(ops, { ...block, threshold }, pre);
    if (block.W_gate === undefined) return gateOf(ops, block.activation, pre);
    const z = affine(ops, normed, { W: block.W_gate, b: block.b_gate }, ["d_model"]);
    return ops.mul(gateOf(ops, block.activation, z), z);
  });
  const post = sites.at("post", () => ops.mul(pre, gate));
  const out = normalize(ops, block.postNorm, post, "d_mlp", sites, "post_norm");
  const made = (): T => affine(ops, out, { W: block.W_out, b: block.b_out }, ["d_mlp"]);
  if (block.writeNorm === undefined) return made();
  return normalize(ops, block.writeNorm, sites.at("out", made), "d_model", sites, "write_norm");
}

function gateOf<T extends Shaped>(ops: Ops<T>, activation: Activation, z: T): T {
  return activation === "solu" ? ops.softmax(z, "d_mlp") : ops.gate(z, activation);
}
