import { type Engine, type Ops, type Shaped, sumOf, transposed } from "@resolvent/tensor";
import {
  type AttentionBlock,
  blockWrite,
  frozenAt,
  heldAt,
  mapBlock,
  withoutBiases,
} from "@resolvent/transformer";
import type { DictionaryRun } from "../expansion/expansion.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { nodeTarget, nodeWritten } from "./graph-node.ts";
import { checkEdge, checkOwn } from "./own-graph.ts";
import { type ReplacedRun, replacedRun } from "./replaced-run.ts";
import { behind, covectorsOf } from "./rows.ts";

/** A head that moves a part of an edge from one position to another. */
export interface EdgeHop {
  readonly layer: number;
  readonly head: number;
  /** The position where the head looks from, which it writes to. */
  readonly query: number;
  /** The position that it looks at. */
  readonly key: number;
  /** What of the edge passes here. Parts that pass several heads are in the sum of each. */
  readonly effect: number;
  /** The head's attention there, which is held. */
  readonly pattern: number;
}

/**
 * Through which heads an edge goes: what of it each head moves from each position to each other, the largest first. All
 * of them together are `Σ_k k · (part of degree k)`, since what passes k heads is seen k times.
 *
 * @param edge its index in the graph
 * @param most how many; default 3
 * @throws InputError `dictionary/no-edge`, `dictionary/other-graph`
 */
export async function edgeHops<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
  graph: AttributionGraph,
  edge: number,
  { most = 3 }: { readonly most?: number } = {},
): Promise<EdgeHop[]> {
  const { source, target } = checkEdge(graph, edge);
  const replaced = engine.scope(() => replacedRun(engine, made));
  const owned: unknown[] = [replaced.own];
  try {
    checkOwn({ nodes: [source, target] }, replaced);
    const blocks = engine.scope(() => hopsOf(engine, replaced, source, target));
    owned.push(blocks);
    const found: EdgeHop[] = [];
    for (const { layer, effects, pattern } of blocks) {
      const { data } = await engine.read(effects);
      const weights = (await engine.read(pattern)).data;
      const { positions } = replaced.run;
      data.forEach((effect, i) => {
        if (effect === 0) return;
        const [key, query] = [i % positions, Math.floor(i / positions) % positions];
        const head = Math.floor(i / positions ** 2);
        found.push({ ...{ layer, head, query, key, effect }, pattern: weights[i] ?? Number.NaN });
      });
    }
    return found.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect)).slice(0, most);
  } finally {
    engine.free(owned);
  }
}

/** What of an edge each attention block moves: `head, pos, key_pos`. */
function hopsOf<T extends Shaped>(
  ops: Ops<T>,
  replaced: ReplacedRun<T>,
  source: AttributionGraph["nodes"][number],
  target: AttributionGraph["nodes"][number],
): { readonly layer: number; readonly effects: T; readonly pattern: T }[] {
  const { between, gates, run } = replaced;
  const written = nodeWritten(ops, replaced, source);
  const targets = nodeTarget(ops, replaced, target);
  const { positions } = run;
  // Covectors behind each stage, from the target down.
  const after = new Map<number, T>();
  let state = covectorsOf(ops, targets, positions);
  for (let stage = targets.before - 1; stage >= written.enters; stage--) {
    after.set(stage, state);
    state = behind(ops, { between, gates, positions }, stage, state);
  }
  const found: { layer: number; effects: T; pattern: T }[] = [];
  let stream = written.value;
  for (let stage = written.enters; stage < targets.before; stage++) {
    const blocks = between[stage] ?? [];
    const covector = ops.sum(after.get(stage) as T, ["target", "blocks"]); // every stage was passed
    for (const block of blocks) {
      if (block.kind !== "attn") continue;
      const pattern = gates.get(`${block.name}.pattern`) as T; // every run has it
      const effects = ops.mul(passing(ops, block, gates, stream, covector), pattern);
      const order = ["head", "pos", "key_pos"];
      found.push({
        layer: block.layer,
        effects: ops.arrange(effects, order),
        pattern: ops.scale(ops.arrange(pattern, order), 1), // its own, to be freed
      });
    }
    const writes = blocks.map((block) =>
      blockWrite(ops, withoutBiases(block), stream, frozenAt(gates)),
    );
    stream = sumOf(ops, [stream, ...writes]);
  }
  return found;
}

/** What a covector reads of a stream that goes through a head, by where it looks: the block is linear in its pattern. */
function passing<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  gates: ReplacedRun<T>["gates"],
  stream: T,
  covector: T,
): T {
  const back = transposed(ops);
  const pattern = back.variable((gates.get(`${block.name}.pattern`) as T).shape); // every run has it
  const sites = heldAt(gates, (gate, site) =>
    site.endsWith(".pattern") ? pattern : back.fixed(gate),
  );
  const whole = mapBlock(withoutBiases(block), (W) => back.fixed(W));
  return back.pull(blockWrite(back, whole, back.fixed(stream), sites), covector, pattern);
}
