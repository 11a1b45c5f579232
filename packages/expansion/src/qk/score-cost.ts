import { type Cost, cost, type Precision, type Priced } from "@resolvent/tensor";
import {
  checkHead,
  type Level,
  type Model,
  plainSites,
  residualStream,
  tokenIds,
  unembed,
} from "@resolvent/transformer";
import type { AttentionEdge } from "./choose-edge.ts";
import { valueTerms } from "./edge-degrees.ts";
import { checkPosition } from "./score-run.ts";
import type { Splitting } from "./score-sources.ts";
import { type SplittingPair, scoreTerms } from "./score-terms.ts";

/**
 * What choosing a score, taking it apart, and its degrees would take, from shapes alone. A head that is left open
 * counts as one of the last layer.
 *
 * @throws InputError `transformer/no-head`, `expansion/bad-position`, and those of a run
 */
export function scoreCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: Partial<AttentionEdge> & {
    readonly by?: Splitting | Level | SplittingPair;
    readonly precision?: Precision;
  } = {},
): Cost {
  const { precision = "f32", by = "block" } = options;
  const { architecture } = outline;
  const { head = { layer: architecture.layers - 1, head: 0 }, query = tokens.length - 1 } = options;
  checkHead(architecture, head);
  checkPosition("query", query, tokens.length);
  const key = options.key ?? query;
  const ops = cost({ precision });
  const place = { ...head, query, key };
  ops.scope(() => {
    const ids = tokenIds(tokens.slice(0, query + 1));
    unembed(ops, outline, residualStream(ops, outline, ids, plainSites()), plainSites());
  });
  ops.scope(() => scoreTerms(ops, outline, tokens, { ...place, by }));
  ops.scope(() => scoreTerms(ops, outline, tokens, { ...place, by: "degree" }));
  ops.scope(() =>
    valueTerms(ops, outline, tokens, { head, query, key, target: { a: 0, b: null } }),
  );
  return ops.total();
}
