import { pathsCost, pullBack } from "@resolvent/paths";
import {
  type Cost,
  type CostOps,
  type Precision,
  type Priced,
  priced,
  STACK_MEMORY,
} from "@resolvent/tensor";
import {
  type AttentionBlock,
  blockWrite,
  type Model,
  plainSites,
  recording,
  runCost,
  type Site,
} from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { encodeCost, timesCost, WIDTH } from "./dictionary-cost.ts";

/** What a graph is made of, at most. */
export interface GraphSize {
  readonly precision: Precision;
  /** Rows of features at most. */
  readonly mostFeatures: number;
  readonly logits: number;
  /** Edges whose heads are looked for. */
  readonly explain: number;
  /** Edges and nodes that are checked by runs. */
  readonly checks: number;
  /** Of the search for a target's paths, in forward passes; undefined where no target is explained. */
  readonly budget: number | undefined;
  /** Bytes of the dictionaries. */
  readonly held: number;
}

/**
 * What a graph would take at most: how many features are active is known only when they are. A row goes back through
 * half of the attention blocks in the mean, once for the graph, and, of edges that stay, again by degree.
 */
export function graphCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  dictionaries: readonly Dictionary<Priced>[],
  { precision, mostFeatures, logits, explain, checks, budget, held }: GraphSize,
): Cost {
  const positions = tokens.length;
  const { layers, d_head } = outline.architecture;
  const run = runCost(outline, tokens, { precision, sites: ["embed"] });
  const width = WIDTH[precision];
  const possible = dictionaries.reduce((sum, { features }) => sum + features * positions, 0);
  const features = Math.min(mostFeatures, possible);
  const block = firstAttention(outline);
  const pulled =
    block === undefined ? timesCost([]) : rowCost(block, outline, positions, precision);
  // By degree a row has as many levels as it has passed blocks: half of them in the mean, and it is one of the pruned.
  const rows = logits * layers + features * (layers / 2) * (1 + layers / 4);
  const ofHops = explain * (2 * d_head * layers + 3 * layers);
  const gates = dictionaries.reduce((sum, { features }) => sum + 4 * features * positions, 0);
  const written = features * outline.architecture.d_model;
  const edges = 20 * features ** 2; // their ends, and a weight, for half of all pairs; and sorted
  return timesCost(
    [
      [run, 3 + 2 * checks],
      ...dictionaries.map(
        (one) => [encodeCost(one, precision, positions, { decoded: true }), 3] as const,
      ),
      [pulled, rows + ofHops],
      // Paths of the model itself, and with features, whose search takes no more than its budget.
      ...(budget === undefined
        ? []
        : [
            [pathsCost(outline, tokens, { precision, budget, byPosition: true }), 2] as const,
            [run, budget] as const,
          ]),
    ],
    held + (gates + written) * width + STACK_MEMORY + edges,
  );
}

function firstAttention(outline: Model<Priced>): AttentionBlock<Priced> | undefined {
  for (const stage of outline.stages) {
    for (const block of stage) if (block.kind === "attn") return block;
  }
  return undefined;
}

/** A row through one attention block. */
function rowCost(
  block: AttentionBlock<Priced>,
  { architecture: { d_model } }: Model<Priced>,
  positions: number,
  precision: Precision,
): Cost {
  const gates = new Map<Site, Priced>();
  const once = (ops: CostOps): void => {
    const sites = recording(
      plainSites<Priced>(),
      (site) => /\.(pattern|\w*norm)$/.test(site),
      gates,
    );
    blockWrite(ops, block, ops.given({ pos: positions, d_model }), sites);
  };
  priced(precision, once);
  return priced(precision, (ops) => {
    const values = ops.given({ target: 1, pos: positions, d_model });
    pullBack(
      ops,
      { gates, positions },
      { weights: block, part: undefined },
      { values, at: undefined },
    );
  });
}
