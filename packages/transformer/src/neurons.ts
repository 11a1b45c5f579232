import { InternalError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { Parts } from "./block-parts.ts";
import type { Block, MlpBlock, NormWeights } from "./model.ts";
import { blockWrite } from "./residual-stream.ts";
import { recording, type Site } from "./sites.ts";

/**
 * The neurons of MLPs, each of which writes along its row of W_out; `b_out` belongs to none. Where SoLU, or a norm
 * behind the activation or of what the MLP writes, mixes them, what a neuron writes is its own summand of the whole, as
 * all of them made it.
 */
export const neuronParts: Parts = {
  count: ({ d_mlp }) => d_mlp,
  name: (layer, neuron) => `L${layer}.N${neuron}`,
  site: { name: "post", axis: "d_mlp" },
  constant: {
    name: "b_out",
    of: (ops, whole) => {
      const { postNorm, W_out, b_out } = mlpOf(whole);
      if (postNorm?.bias === undefined) return b_out;
      const passed = ops.matmul(postNorm.bias, W_out, ["d_mlp"]);
      return b_out === undefined ? passed : ops.add(passed, b_out);
    },
  },
  writes: (ops, whole, read, sites) => {
    const block = mlpOf(whole);
    const post = `${block.name}.post`;
    const norms = ["post_norm", "write_norm"].map((norm) => `${block.name}.${norm}`);
    const trace = new Map<Site, typeof read>();
    const on = recording(sites, (site) => site === post || norms.includes(site), trace);
    const write = blockWrite(ops, block, read, on);
    const active = trace.get(post) as typeof read; // every MLP passes it
    const each = norms.reduce((x, norm) => {
      const sigma = trace.get(norm);
      return sigma === undefined ? x : ops.div(x, sigma);
    }, active);
    return {
      whole: write,
      each: ops.rename(each, { d_mlp: "node" }),
      directions: ops.rename(directionsOf(ops, block), { d_mlp: "node" }),
    };
  },
  axes: (block) => {
    const { W_in, name, writeNorm, choice } = mlpOf(block);
    // A σ of what is written, and a choice among neurons, are those of all together.
    if (writeNorm !== undefined || choice !== undefined) return undefined;
    return { d_mlp: sizeAlong(W_in.shape, "d_mlp", name) };
  },
  alone: (ops, whole, neuron) => {
    const block = mlpOf(whole);
    // A norm behind the activation mixes what neurons give: none can be cut out.
    if (block.postNorm !== undefined) return undefined;
    const { b_out, choice, bent, ...own } = block; // these make its gate, which is held
    const only = (x: (typeof block)["W_in"]): (typeof block)["W_in"] =>
      "d_mlp" in x.shape ? ops.slice(x, "d_mlp", neuron, neuron + 1) : x;
    const { W_in, W_out, b_in, W_gate, b_gate, threshold, mask } = own;
    const cut = { ...own, W_in: only(W_in), W_out: only(W_out) };
    return {
      block: {
        ...cut,
        ...(b_in && { b_in: only(b_in) }),
        ...(W_gate && { W_gate: only(W_gate) }),
        ...(b_gate && { b_gate: only(b_gate) }),
        ...(threshold && { threshold: only(threshold) }),
        ...(mask && { mask: only(mask) }),
      },
      gate: only,
    };
  },
};

/** What a neuron's activation is multiplied with: its row of W_out, through the norms before and after it. */
function directionsOf<T extends Shaped>(
  ops: Ops<T>,
  { W_out, postNorm, writeNorm }: MlpBlock<T>,
): T {
  const before = (x: T, { kind, scale }: NormWeights<T>): T => {
    const scaled = scale === undefined ? x : ops.mul(x, scale);
    return kind === "layer" ? ops.center(scaled, "d_mlp") : scaled;
  };
  const after = (x: T, { kind, scale }: NormWeights<T>): T => {
    const centred = kind === "layer" ? ops.center(x, "d_model") : x;
    return scale === undefined ? centred : ops.mul(centred, scale);
  };
  const read = postNorm === undefined ? W_out : before(W_out, postNorm);
  return writeNorm === undefined ? read : after(read, writeNorm);
}

function mlpOf<T>(block: Block<T>): MlpBlock<T> {
  if (block.kind === "mlp") return block;
  throw new InternalError({ code: "transformer/no-mlp", message: `${block.name} has no neurons.` });
}
