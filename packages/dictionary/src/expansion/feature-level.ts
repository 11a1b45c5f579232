import type { Shaped } from "@resolvent/tensor";
import { blockWrite, type Level, levelOf, type Parts } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";

/**
 * Heads, and the features of MLPs that transcoders replace: `L3.F52`, and `L3.S7` for what a skip adds to number 7 of the
 * stream. Other MLPs are whole.
 *
 * @param replaced transcoders by layer
 * @param layers of the model
 */
export function featureLevel<T extends Shaped>(
  replaced: ReadonlyMap<number, Dictionary<T>>,
  layers: number,
): Level {
  const { attn } = levelOf("head");
  const { mlp: units } = levelOf("neuron");
  return {
    name: "feature",
    ...(attn && { attn }),
    ...(units && replaced.size > 0 && { mlp: featuresOf(units, replaced, layers) }),
  };
}

function featuresOf<T extends Shaped>(
  units: Parts,
  replaced: ReadonlyMap<number, Dictionary<T>>,
  layers: number,
): Parts {
  const { axes, site, alone } = units;
  // What each node has of its own (weights along an axis, a place in a site) is only so where every MLP is replaced.
  const alike = replaced.size === layers;
  return {
    count: (_architecture, layer) => {
      const own = replaced.get(layer);
      return own === undefined ? 1 : own.features + (own.W_skip === undefined ? 0 : own.d_out);
    },
    name: (layer, index) => {
      const own = replaced.get(layer);
      if (own === undefined) return `L${layer}.mlp`;
      const { features } = own;
      return index < features ? `L${layer}.F${index}` : `L${layer}.S${index - features}`;
    },
    constant: {
      name: "b_dec and error",
      of: (ops, block) => (replaced.has(block.layer) ? units.constant?.of(ops, block) : undefined),
    },
    writes: (ops, block, read, sites, given) => {
      if (replaced.has(block.layer)) return units.writes(ops, block, read, sites, given);
      const whole = blockWrite(ops, block, read, sites);
      const { d_model = 1 } = whole.shape; // every write has it
      return { whole, each: ops.split(whole, "d_model", { node: 1, d_model }) };
    },
    ...(alike && site && { site }),
    ...(alike && axes && { axes }),
    ...(alike && alone && { alone }),
  };
}
