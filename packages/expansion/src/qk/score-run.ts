import { InputError, InternalError, type Ops, type Shaped } from "@resolvent/tensor";
import {
  checkHead,
  type Model,
  plainSites,
  recording,
  residualStream,
  type Site,
  stageOfLayer,
  tokenIds,
  upToStage,
} from "@resolvent/transformer";
import { gateAt } from "../gates.ts";

/** The run up to the attention block whose scores are taken apart. */
export interface ScoreRun<T> {
  /** The block, `L1.attn`. */
  readonly block: string;
  /** The tokens up to the query: what comes later has no part in its scores. */
  readonly tokens: readonly number[];
  /** The model before the block. */
  readonly before: Model<T & Shaped>;
  /** All gates by site, those of the block itself included. */
  readonly gates: ReadonlyMap<Site, T>;
  /** Other values that were kept, by site: `embed…`, `*.write`, `*.read` where asked for, `score`. */
  readonly trace: ReadonlyMap<Site, T>;
}

/**
 * One forward pass over the tokens `0 … query`, as far as the attention of `layer`.
 *
 * @param reads whether to keep what each block reads, which is needed to tell its parts apart
 */
export function scoreRun<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
  {
    layer,
    query,
    reads,
  }: { readonly layer: number; readonly query: number; readonly reads: boolean },
): ScoreRun<T> {
  checkHead(model.architecture, { layer });
  checkPosition("query", query, tokens.length);
  const block = `L${layer}.attn`;
  const stages = stageOfLayer(model.architecture, layer);
  const seen = tokens.slice(0, query + 1);
  const chosen = (site: Site): boolean =>
    site.startsWith("embed") ||
    gateAt(site) !== undefined ||
    site === `${block}.score` ||
    site.endsWith(".write") ||
    (reads && site.endsWith(".read"));
  return ops.scope(() => {
    const trace = new Map<Site, T>();
    const sites = recording(plainSites<T>(), chosen, trace);
    residualStream(ops, upToStage(model, stages + 1), tokenIds(seen), sites);
    const isGate = ([site]: readonly [Site, T]): boolean => gateAt(site) !== undefined;
    const gates = new Map([...trace].filter(isGate));
    for (const site of gates.keys()) trace.delete(site);
    return { block, tokens: seen, before: upToStage(model, stages), gates, trace };
  });
}

/** Throws `expansion/bad-position`. */
export function checkPosition(name: string, pos: number, count: number): void {
  if (Number.isInteger(pos) && pos >= 0 && pos < count) return;
  throw new InputError({
    code: "expansion/bad-position",
    message: `The ${name} should be a position from 0 to ${count - 1}, got ${pos}.`,
    remedy: "Positions count tokens from 0; a key is not later than its query.",
    details: { name, got: pos, count },
  });
}

/** A value that the run has kept. */
export function kept<T>(run: ScoreRun<T>, site: Site): T {
  const value = run.trace.get(site) ?? run.gates.get(site);
  if (value === undefined) {
    throw new InternalError({
      code: "expansion/not-kept",
      message: `The run has not kept ${site}.`,
    });
  }
  return value;
}
