import type { Shaped } from "@resolvent/tensor";
import { blockWrite, type Level, levelOf, type Parts } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";

/** The names of a replaced MLP's units, in their order. */
export interface UnitNames {
  readonly count: number;
  name(index: number): string;
}

/**
 * Features, `L3.F52`, and what a skip adds to number 7 of the stream, `L3.S7`.
 *
 * @param chosen which features there are; default all
 */
export function unitNames<T extends Shaped>(
  layer: number,
  { features, W_skip, d_out }: Pick<Dictionary<T>, "features" | "W_skip" | "d_out">,
  chosen?: readonly number[],
): UnitNames {
  const own = chosen?.length ?? features;
  return {
    count: own + (W_skip === undefined ? 0 : d_out),
    name: (index) =>
      index < own ? `L${layer}.F${chosen?.[index] ?? index}` : `L${layer}.S${index - own}`,
  };
}

/**
 * Heads, and the units of MLPs that transcoders replace. Other MLPs are whole.
 *
 * @param replaced units by layer
 * @param layers of the model
 * @param normed whether what they write passes a norm, so that b_dec and error are what is missing from their sum
 */
export function featureLevel(
  replaced: ReadonlyMap<number, UnitNames>,
  layers: number,
  normed = false,
): Level {
  const { attn } = levelOf("head");
  const { mlp: units } = levelOf("neuron");
  return {
    name: "feature",
    ...(attn && { attn }),
    ...(units && replaced.size > 0 && { mlp: featuresOf(units, replaced, layers, normed) }),
  };
}

function featuresOf(
  units: Parts,
  replaced: ReadonlyMap<number, UnitNames>,
  layers: number,
  normed: boolean,
): Parts {
  const { axes, site, alone } = units;
  // What each node has of its own (weights along an axis, a place in a site) is only so where every MLP is replaced.
  const alike = replaced.size === layers;
  return {
    count: (_architecture, layer) => replaced.get(layer)?.count ?? 1,
    name: (layer, index) => replaced.get(layer)?.name(index) ?? `L${layer}.mlp`,
    ...(!normed && {
      constant: {
        name: "b_dec and error",
        of: (ops, block) =>
          replaced.has(block.layer) ? units.constant?.of(ops, block) : undefined,
      },
    }),
    writes: (ops, block, read, sites, given) => {
      if (replaced.has(block.layer)) return units.writes(ops, block, read, sites, given);
      const whole = blockWrite(ops, block, read, sites);
      const { d_model = 1 } = whole.shape; // every write has it
      return { whole, each: ops.split(whole, "d_model", { node: 1, d_model }) };
    },
    axes: (block) => (replaced.has(block.layer) ? axes?.(block) : undefined),
    ...(alike && site && { site }),
    ...(alike && alone && { alone }),
  };
}
