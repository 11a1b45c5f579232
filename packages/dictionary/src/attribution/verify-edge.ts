import { type Engine, type Ops, readTogether, type Shaped } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  frozenAt,
  type MlpBlock,
  type Model,
  plainSites,
  recording,
  replacing,
  residualStream,
  type Site,
  type Sites,
  targetValue,
  uncappedLogits,
} from "@resolvent/transformer";
import type { DictionaryRun } from "../expansion/expansion.ts";
import { heldBlock } from "../expansion/replaced-block.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import type { GraphNode } from "../graph/node.ts";
import { nodeTarget, nodeWritten, replacementOf } from "./graph-node.ts";
import { checkEdge, checkOwn, targetOfNode } from "./own-graph.ts";
import { type ReplacedRun, replacedRun } from "./replaced-run.ts";

/** What taking away a source does to a target along their edge alone: its value in the run less its value without. */
export interface EdgeVerdict {
  /** The edge's weight, times what was taken away. */
  readonly predicted: number;
  /** Measured by a run in which all other features are held as they were, and all gates: equal but for rounding. */
  readonly frozen: number;
  /** Measured with patterns and norms recomputed, other features held: the difference is what freezing hid. */
  readonly live: number;
}

/**
 * Checks an edge by intervention: the model runs without what the source has written, and what other MLPs write is held,
 * so that the target changes along the edge alone.
 *
 * @param edge its index in the graph
 * @param options `times`: what is left of the source; default 0
 * @throws InputError `dictionary/no-edge`, `dictionary/other-graph`
 */
export async function verifyEdge<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
  graph: AttributionGraph,
  edge: number,
  { times = 0 }: { readonly times?: number } = {},
): Promise<EdgeVerdict> {
  const { source, target, weight } = checkEdge(graph, edge);
  const replaced = engine.scope(() => replacedRun(engine, made));
  const owned: unknown[] = [replaced.own];
  try {
    checkOwn({ nodes: [source, target] }, replaced);
    const measured = engine.scope(() => {
      const without = (sites: Sites<T>, gates: ReplacedRun<T>["gates"]): T => {
        const measure = (on: Sites<T>): T => targetValueIn(engine, replaced, target, on, gates);
        const { value } = nodeWritten(engine, replaced, source);
        const less = engine.scale(value, 1 - times);
        const site =
          source.kind === "token" ? "embed" : `${replacementOf(replaced, source).block.name}.write`;
        const changed = replacing(sites, { [site]: (x: T): T => engine.sub(x, less) });
        return engine.sub(measure(sites), measure(changed));
      };
      return {
        frozen: without(frozenAt(gatesBetween(replaced)), replaced.run.gates),
        live: without(plainSites<T>(), new Map()),
      };
    });
    owned.push(measured);
    const [[frozen = Number.NaN], [live = Number.NaN]] = await readTogether(engine, [
      measured.frozen,
      measured.live,
    ]);
    return { predicted: weight * (1 - times), frozen, live };
  } finally {
    engine.free(owned);
  }
}

/** The gates of a run in which features are held: a block that writes what it wrote has no gate for its one unit. */
function gatesBetween<T extends Shaped>({
  gates,
  between,
  replacements,
}: ReplacedRun<T>): ReplacedRun<T>["gates"] {
  const passed = new Set(between.flat().map(({ name }) => name));
  const held = replacements.filter(({ block }) => !passed.has(block.name));
  const sites = new Set(held.map(({ block }) => `${block.name}.gate`));
  return new Map([...gates].filter(([site]) => !sites.has(site)));
}

/** What a target is in a run in which features write what they wrote: a scalar. */
function targetValueIn<T extends Shaped>(
  ops: Ops<T>,
  replaced: ReplacedRun<T>,
  target: GraphNode,
  sites: Sites<T>,
  gates: ReplacedRun<T>["gates"],
): T {
  const { model, run, replacements } = replaced;
  const { before } = nodeTarget(ops, replaced, target);
  const stages = [...model.stages].slice(0, before).map((blocks, stage) =>
    blocks.map((block): Block<T> => {
      const own = replacements.some((one) => one.block.name === block.name);
      return own && block.kind === "mlp" ? heldFeatures(ops, replaced, block, stage) : block;
    }),
  );
  const held: Model<T> = { ...model, stages };
  const stream = residualStream(ops, held, run.ids, sites);
  if (target.kind === "logit") {
    const { feature, position } = target;
    const last = ops.slice(stream, "pos", position, position + 1);
    const sigma = gates.size === 0 ? plainSites<T>() : finalHeld(ops, replaced, position);
    const logits = uncappedLogits(ops, model, last, sigma);
    const own = targetOfNode(target);
    if (own !== undefined) return targetValue(ops, logits, own);
    const centred = ops.center(logits, "vocab");
    const id = feature ?? 0; // it was checked
    return ops.sum(ops.slice(centred, "vocab", id, id + 1), ["pos", "vocab"]);
  }
  const { block } = replacementOf(replaced, target);
  const pre = `${block.name}.pre`;
  const trace = new Map<Site, T>();
  const own = gates.size === 0 ? plainSites<T>() : frozenAt(gates);
  blockWrite(
    ops,
    block,
    stream,
    recording(own, (site) => site === pre, trace),
  );
  const { position, feature } = target;
  const at = ops.slice(trace.get(pre) as T, "pos", position, position + 1); // every MLP passes it
  const unit = feature ?? 0; // it was checked
  return ops.sum(ops.slice(at, "d_mlp", unit, unit + 1), ["pos", "d_mlp"]);
}

/** The final norm's σ of the run, at a position. */
function finalHeld<T extends Shaped>(
  ops: Ops<T>,
  { model, run }: ReplacedRun<T>,
  position: number,
): Sites<T> {
  const last = ops.slice(run.residual, "pos", position, position + 1);
  const trace = new Map<Site, T>();
  uncappedLogits(
    ops,
    model,
    last,
    recording(plainSites<T>(), () => true, trace),
  );
  const sigma = trace.get("final.norm");
  return sigma === undefined ? plainSites() : frozenAt(new Map([["final.norm", sigma]]));
}

/** A replaced MLP whose features write what they wrote; a skip goes on with what it reads. */
function heldFeatures<T extends Shaped>(
  ops: Ops<T>,
  { between, gates, run, model }: ReplacedRun<T>,
  block: MlpBlock<T>,
  stage: number,
): Block<T> {
  const write = run.writes.get(block.name) as T; // every block writes
  const skip = between[stage]?.find(({ name }) => name === block.name);
  if (skip === undefined || skip.kind !== "mlp") return heldBlock(ops, block, write);
  let stream = run.embedding;
  for (const blocks of [...model.stages].slice(0, stage)) {
    for (const { name } of blocks) stream = ops.add(stream, run.writes.get(name) as T); // likewise
  }
  const skipped = blockWrite(ops, skip, stream, frozenAt(gates));
  return { ...skip, b_out: ops.sub(write, skipped) };
}
