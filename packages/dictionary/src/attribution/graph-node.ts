import { InternalError, type Ops, type Shaped } from "@resolvent/tensor";
import type { GraphNode } from "../graph/node.ts";
import type { ActiveFeature } from "./active-features.ts";
import { tilesOf } from "./graph-sources.ts";
import { explainedOf } from "./own-graph.ts";
import type { ReplacedRun, Replacement } from "./replaced-run.ts";
import { featureTargets, logitTargets, type Targets } from "./targets.ts";

/** What a node of a run's graph writes, `pos, d_model`, and where it enters the stream. */
export function nodeWritten<T extends Shaped>(
  ops: Ops<T>,
  replaced: ReplacedRun<T>,
  node: GraphNode,
): { readonly value: T; readonly enters: number } {
  const { run, tokens } = replaced;
  const { position } = node;
  const here = Array.from({ length: run.positions }, (_, at) => (at === position ? 1 : 0));
  const only = (x: T): T =>
    ops.arrange(ops.mul(x, ops.constant({ pos: run.positions }, here)), ["pos", "d_model"]);
  if (node.kind === "token") return { value: only(tokens), enters: 0 };
  const own = replacementOf(replaced, node);
  if (node.kind === "error") return { value: only(own.error), enters: own.stage + 1 };
  const tiles = tilesOf(ops, own, [placeOf(node)]);
  if (tiles === undefined) throw noRole(node);
  const write = ops.sum(tiles.values, ["tile", "unit"]);
  return { value: only(ops.broadcast(write, { pos: run.positions })), enters: own.stage + 1 };
}

/** What a node of a run's graph reads. */
export function nodeTarget<T extends Shaped>(
  ops: Ops<T>,
  replaced: ReplacedRun<T>,
  node: GraphNode,
): Targets<T> {
  if (node.kind === "logit") return logitTargets(ops, replaced, explainedOf(node));
  return featureTargets(ops, replaced, replacementOf(replaced, node), [placeOf(node)]);
}

/** The replaced MLP of a feature or an error. */
export function replacementOf<T extends Shaped>(
  { replacements }: Pick<ReplacedRun<T>, "replacements">,
  node: GraphNode,
): Replacement<T> {
  const own = replacements.find(({ layer }) => layer === node.layer);
  if (own === undefined) throw noRole(node);
  return own;
}

function placeOf({ layer, position, feature, activation }: GraphNode): ActiveFeature {
  return { layer: layer ?? -1, position, feature: feature ?? -1, activation: activation ?? 0 };
}

/** It was checked before that nodes are of the run. */
function noRole({ id }: GraphNode): InternalError {
  return new InternalError({
    code: "dictionary/no-role",
    message: `${id} neither writes nor reads in this run.`,
  });
}
