import { type Architecture, blockNames } from "@resolvent/transformer";

/** Blocks as they are, or their heads and, of attention, the inputs of query, key and value apart. */
export type PatchLevel = "block" | "head";

/** Something that writes to the stream: `embed`, `L0.attn`, `L0.mlp`; at head level `L0.H3`. */
export interface PatchSource {
  readonly name: string;
  /** The stage that it is of; −1 for `embed`. It is before everything of later stages. */
  readonly stage: number;
  /** Its block; undefined for `embed`. */
  readonly block: string | undefined;
  readonly head: number | undefined;
}

/** Something that reads the stream: `L0.attn`, `L0.mlp`, `final`; at head level `L0.H3.query`, `.key`, `.value`. */
export interface PatchReceiver {
  readonly name: string;
  /** The stage that it is of; the number of stages for `final`. */
  readonly stage: number;
  /** Its block; undefined for `final`. */
  readonly block: string | undefined;
  readonly input: "block" | HeadInput | "final";
  readonly head: number | undefined;
}

/** What a head makes of the stream. With grouped queries each head has a key and a value input of its own. */
export type HeadInput = "query" | "key" | "value";

/** The inputs of a head, in the order of receivers. */
export const HEAD_INPUTS: readonly HeadInput[] = ["query", "key", "value"];

/** What writes and what reads in a model: a computational graph with an edge from each source to each later receiver. */
export interface PatchGraph {
  readonly level: PatchLevel;
  readonly heads: number;
  readonly sources: readonly PatchSource[];
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
 * edges in GPT-2 small); the constant `b_O` is of no head and is never patched.
 */
export function patchGraph(architecture: Architecture, level: PatchLevel): PatchGraph {
  const { parallel, heads, d_mlp } = architecture;
  const names = blockNames(architecture);
  const perLayer = d_mlp === 0 ? 1 : 2;
  const stageOf = (index: number): number => (parallel ? Math.floor(index / perLayer) : index);
  const stages = names.length === 0 ? 0 : stageOf(names.length - 1) + 1;
  const sources: PatchSource[] = [{ name: "embed", stage: -1, block: undefined, head: undefined }];
  const receivers: PatchReceiver[] = [];
  names.forEach((block, index) => {
    const stage = stageOf(index);
    if (level === "block" || !block.endsWith(".attn")) {
      sources.push({ name: block, stage, block, head: undefined });
      receivers.push({ name: block, stage, block, input: "block", head: undefined });
      return;
    }
    for (let head = 0; head < heads; head++) {
      const name = `${block.slice(0, -".attn".length)}.H${head}`;
      sources.push({ name, stage, block, head });
      for (const input of HEAD_INPUTS) {
        receivers.push({ name: `${name}.${input}`, stage, block, input, head });
      }
    }
  });
  receivers.push({
    name: "final",
    stage: stages,
    block: undefined,
    input: "final",
    head: undefined,
  });
  const lastAttention = stageOf(names.length - perLayer);
  return { level, heads, sources, receivers, stages, lastAttention };
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
