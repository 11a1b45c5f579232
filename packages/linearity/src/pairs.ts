import { axesOf, InputError, type Ops, type Shaped } from "@resolvent/tensor";
import {
  type Architecture,
  blockNames,
  type Model,
  plainSites,
  recording,
  residualStream,
  type Site,
  tokenIds,
} from "@resolvent/transformer";

/**
 * What is fit: an affine map from what stands at a site to what is added to it on the way. With the residual the
 * target is the sum of both, which the same map with the identity added predicts with the same error.
 */
export interface Pair {
  readonly kind: "block" | "layer" | "between" | "lens";
  /** `L0.attn`, `L0`, or the two sites. */
  readonly name: string;
  readonly from: Site;
  /** The sites that it needs. */
  readonly sites: readonly Site[];
  /** What is added, `…, pos, d_model`, from the values at its sites. */
  readonly added: <T extends Shaped>(ops: Ops<T>, values: ReadonlyMap<Site, T>) => T;
}

/** Two sites of the stream, or of what is written to it. */
export interface SitePair {
  readonly from: Site;
  readonly to: Site;
}

/** What each block, each layer and each named pair of sites does, and what is still to come after each block. */
export function pairsOf(architecture: Architecture, between: readonly SitePair[]): Pair[] {
  const stages = stagesOf(architecture);
  const end = stages.at(-1)?.after ?? "embed";
  const blocks = stages.flatMap(({ before, blocks }) =>
    blocks.map((block) => pair("block", block, before, [`${block}.write`])),
  );
  const layers = Array.from({ length: architecture.layers }, (_, layer) => {
    const own = stages.filter((stage) => stage.layer === layer);
    const writes = own.flatMap((stage) => stage.blocks.map((block) => `${block}.write`));
    return pair("layer", `L${layer}`, own[0]?.before ?? "embed", writes);
  });
  const lenses = lensPoints(architecture).map((from) => difference("lens", from, from, end));
  const known = new Map(
    stages.flatMap(({ before, blocks }) => blocks.map((block) => [`${block}.read`, before])),
  );
  const sites = between.map(({ from, to }) =>
    // What a block reads is the end of the stage before it: one value, one decomposition.
    difference("between", `${from} → ${to}`, known.get(from) ?? from, known.get(to) ?? to),
  );
  return [...blocks, ...layers, ...sites, ...lenses];
}

/** Where the stream is read out: at its start and behind each stage but the last. */
export function lensPoints(architecture: Architecture): Site[] {
  return stagesOf(architecture).map(({ before }) => before);
}

interface Stage {
  readonly layer: number;
  readonly blocks: readonly string[];
  readonly before: Site;
  readonly after: Site;
}

/** The stages of a model by name: the blocks of a layer that read the same point are one. */
function stagesOf(architecture: Architecture): Stage[] {
  const stages: Stage[] = [];
  for (const block of blockNames(architecture)) {
    const last = stages.at(-1);
    const layer = Number(/^L(\d+)\./.exec(block)?.[1]);
    if (last !== undefined && architecture.parallel && last.layer === layer) {
      stages[stages.length - 1] = {
        ...last,
        blocks: [...last.blocks, block],
        after: `${block}.after`,
      };
    } else {
      const before = last?.after ?? "embed";
      stages.push({ layer, blocks: [block], before, after: `${block}.after` });
    }
  }
  return stages;
}

function pair(kind: Pair["kind"], name: string, from: Site, writes: readonly Site[]): Pair {
  return {
    kind,
    name,
    from,
    sites: [from, ...writes],
    added: (ops, values) => writes.map((site) => valueAt(values, site)).reduce(ops.add),
  };
}

function difference(kind: Pair["kind"], name: string, from: Site, to: Site): Pair {
  return {
    kind,
    name,
    from,
    sites: [from, to],
    added: (ops, values) => ops.sub(valueAt(values, to), valueAt(values, from)),
  };
}

/** The value at a site that was recorded. */
export function valueAt<T>(values: ReadonlyMap<Site, T>, site: Site): T {
  const value = values.get(site);
  if (value !== undefined) return value;
  throw new InputError({
    code: "linearity/no-site",
    message: `There is no site "${site}" in the residual stream of this model.`,
    remedy: "Sites are embed, L0.attn.read, L0.attn.write, L0.attn.after, and so on.",
    details: { site },
  });
}

/** One forward pass that keeps the values at the sites of some pairs, each `batch, pos, d_model`. */
export function recordSites<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  sites: ReadonlySet<Site>,
): ReadonlyMap<Site, T> {
  return ops.scope(() => {
    const values = new Map<Site, T>();
    const chosen = recording(plainSites<T>(), (site) => sites.has(site), values);
    residualStream(ops, model, tokenIds(rows), chosen);
    for (const site of sites) {
      const axes = axesOf(valueAt(values, site).shape);
      if (axes.join() === "batch,pos,d_model") continue;
      throw new InputError({
        code: "linearity/bad-site",
        message: `The site "${site}" has the axes ${axes.join(", ")}; a linearity score is between vectors of the stream.`,
        remedy: "Name sites with the axes pos, d_model: read, write, after.",
        details: { site, axes },
      });
    }
    return values;
  });
}
