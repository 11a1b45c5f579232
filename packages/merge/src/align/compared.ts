import type { Axis } from "@resolvent/tensor";
import type { Sizes } from "./places.ts";

/** Most bytes of correlations that are held at once; what is more takes another pass over the texts. */
const MOST_BYTES = 1 << 29;

/** A site whose values are correlated: `size` of them along an axis. */
export interface Compared {
  /** What its correlations put in order: `residual`, `L0.attn`, `L0.mlp`. */
  readonly of: string;
  readonly site: string;
  readonly axis: Axis;
  readonly size: number;
  /** Its part of the mean. */
  readonly share: number;
}

/** What is compared of models of these sizes. */
export function sitesOf({ residual, layers }: Sizes): Compared[] {
  const stream = (site: string, share: number): Compared => {
    return { of: "residual", site, axis: "d_model", size: residual, share };
  };
  const blocks = layers.flatMap(({ mlp, kvHeads }, layer) => [
    ...(kvHeads > 0 ? [`L${layer}.attn`] : []),
    ...(mlp > 0 ? [`L${layer}.mlp`] : []),
  ]);
  const share = 1 / (blocks.length + 1);
  return [
    stream("embed", share),
    ...blocks.map((block) => stream(`${block}.after`, share)),
    ...layers.flatMap(({ mlp, kvHeads, group }, layer): Compared[] => {
      const attn = `L${layer}.attn`;
      const own = `L${layer}.mlp`;
      const heads = kvHeads * group;
      return [
        ...(heads > 0
          ? [{ of: attn, site: `${attn}.pattern`, axis: "head", size: heads, share: 1 }]
          : []),
        ...(mlp > 0 ? [{ of: own, site: `${own}.post`, axis: "d_mlp", size: mlp, share: 1 }] : []),
      ];
    }),
  ];
}

/** As many sites at once as there is memory for. */
export function inPasses(compared: readonly Compared[]): Compared[][] {
  const passes: Compared[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of compared) {
    const own = 8 * one.size ** 2;
    if (bytes + own > MOST_BYTES) {
      passes.push([]);
      bytes = 0;
    }
    passes.at(-1)?.push(one);
    bytes += own;
  }
  return passes;
}
