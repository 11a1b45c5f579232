import type { Ops, Shaped } from "@resolvent/tensor";
import { affine } from "./affine.ts";
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
  const post = activated(ops, block, normed, sites);
  const out = normalize(ops, block.postNorm, post, "d_mlp", sites, "post_norm");
  const made = (): T => affine(ops, out, { W: block.W_out, b: block.b_out }, ["d_mlp"]);
  if (block.writeNorm === undefined) return made();
  return normalize(ops, block.writeNorm, sites.at("out", made), "d_model", sites, "write_norm");
}

/** The site `post`, `g · z`; `z`, where nobody looks at it and the interpreter has that, on its way out of the product. */
function activated<T extends Shaped>(
  ops: Ops<T>,
  block: MlpBlock<T>,
  normed: T,
  sites: Sites<T>,
): T {
  const { activation, threshold, W_gate } = block;
  const read = { W: block.W_in, b: block.b_in };
  const makePre = (): T => sites.at("pre", () => affine(ops, normed, read, ["d_model"]));
  let pre = sites.wants("pre") || ops.fused?.product === undefined ? makePre() : undefined;
  const plain = threshold === undefined && W_gate === undefined && activation !== "solu";
  if (pre === undefined && plain && !sites.wants("gate")) {
    return sites.at("post", () =>
      affine(ops, normed, read, ["d_model"], undefined, { activation }),
    );
  }
  const ofUnits = (): T => {
    pre ??= makePre();
    return threshold === undefined
      ? gateOf(ops, activation, pre)
      : openUnits(ops, { ...block, threshold }, pre);
  };
  const gate = sites.at("gate", () => {
    if (W_gate === undefined || threshold !== undefined) return ofUnits();
    const z = { W: W_gate, b: block.b_gate };
    if (activation !== "solu")
      return affine(ops, normed, z, ["d_model"], undefined, { activation });
    const inner = affine(ops, normed, z, ["d_model"]);
    return ops.mul(gateOf(ops, activation, inner), inner);
  });
  return sites.at("post", () =>
    pre === undefined
      ? affine(ops, normed, read, ["d_model"], undefined, { factor: gate })
      : ops.mul(pre, gate),
  );
}

function gateOf<T extends Shaped>(ops: Ops<T>, activation: Activation, z: T): T {
  return activation === "solu" ? ops.softmax(z, "d_mlp") : ops.gate(z, activation);
}
