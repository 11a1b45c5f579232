import {
  type Architecture,
  type Level,
  type LevelName,
  levelOf,
  type Node,
  nodesOf,
  siteNode,
  stageOfLayer,
  streamNodes,
} from "@resolvent/transformer";

/**
 * What is patched: blocks as they are; their heads, with the inputs of query, key and value apart; neurons as well; the
 * stream before each stage as a whole; or a level of one's own.
 */
export type PatchLevel = LevelName | "stream" | Level;

/** The name of a level, which results carry. */
export function levelName(level: PatchLevel): string {
  return typeof level === "string" ? level : level.name;
}

/** An input of a node, or the target's own reading: `L0.attn`, `L0.H3.query`, `final`. */
export interface PatchReceiver {
  readonly name: string;
  /** The stage before which it reads; the number of stages for `final`. */
  readonly stage: number;
  /** Undefined for `final`. */
  readonly node: Node | undefined;
  /** Which input of the node, where it has several. */
  readonly input: string | undefined;
}

/** What writes and what reads in a model: a computational graph with an edge from each source to each later receiver. */
export interface PatchGraph {
  readonly level: Level;
  /** Whether the sources are the whole stream at its points, which have no edges. */
  readonly ofStream: boolean;
  /** `embed`, then the nodes of the level. */
  readonly sources: readonly Node[];
  readonly receivers: readonly PatchReceiver[];
  readonly stages: number;
  /** The last stage with attention: after it each position is by itself. */
  readonly lastAttention: number;
}

/** An edge by the indices of its ends. */
export interface PatchEdge {
  readonly source: number;
  readonly receiver: number;
}

/**
 * The graph of a model. At head level an attention block of `h` heads has `h` sources and `3h` receivers (32,491
 * edges in GPT-2 small); what belongs to no part of a block, `b_O`, is never patched.
 */
export function patchGraph(architecture: Architecture, choice: PatchLevel): PatchGraph {
  const ofStream = choice === "stream";
  const level = levelOf(ofStream ? "block" : choice);
  const stages = nodesOf(architecture, level);
  const nodes = stages.flat();
  const receivers = nodes.flatMap((node): PatchReceiver[] => {
    const { name, stage, part } = node;
    const inputs = part?.of.inputs;
    if (inputs === undefined) return [{ name, stage, node, input: undefined }];
    return inputs.map((input) => ({ name: `${name}.${input}`, stage, node, input }));
  });
  const final = { name: "final", stage: stages.length, node: undefined, input: undefined };
  const lastAttention = stageOfLayer(architecture, architecture.layers - 1);
  return {
    ...{ level, ofStream, stages: stages.length, lastAttention },
    sources: ofStream ? streamNodes(architecture) : [siteNode("embed", -1), ...nodes],
    receivers: ofStream ? [final] : [...receivers, final],
  };
}

/** All edges: by the receiver's stage, then source, then receiver, the order in which sweeps share most. */
export function edgesOf({ sources, receivers }: PatchGraph): PatchEdge[] {
  const stages = [...new Set(receivers.map(({ stage }) => stage))];
  return stages.flatMap((stage) => {
    const own = receivers.flatMap((to, receiver) => (to.stage === stage ? [receiver] : []));
    return sources.flatMap((from, source) =>
      from.stage < stage ? own.map((receiver) => ({ source, receiver })) : [],
    );
  });
}
