import type { Ids, Ops, Shaped } from "@resolvent/tensor";
import { type HeadPlace, type Model, tokenEmbedding } from "@resolvent/transformer";
import { type CircuitOptions, ovCircuit, type QkOptions, qkCircuit } from "./circuit.ts";
import { inAttention } from "./head.ts";
import { processingFor, readoutOf } from "./processing.ts";
import { checkIds } from "./tokens.ts";

/**
 * The entries of `W_E W_OV W_U` between chosen tokens: by how much attending to a token (a row, `source`) raises
 * the logit of another (a column, `target`), norm denominators, biases and positions apart.
 * With `processing.centreVocabulary`, relative to the mean over the whole vocabulary.
 *
 * @returns `source, target`
 * @throws InputError `transformer/no-head`, `attention/bad-token`
 */
export function ovTable<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  head: HeadPlace,
  tokens: readonly number[],
  options: CircuitOptions = {},
): T {
  const sources = checkIds(model, tokens, "source");
  const targets = checkIds(model, tokens, "target");
  return ops.scope(() => {
    const processing = processingFor(model, options.processing);
    const { left, right } = ovCircuit(ops, model, head, options);
    const moved = ops.matmul(ops.matmul(embedded(ops, model, sources), left, ["d_model"]), right, [
      "d_head",
    ]);
    const seen = readoutOf(ops, model.final, moved, processing);
    const { W_U } = model.final;
    const table = ops.matmul(seen, ops.take(W_U, "vocab", targets), ["d_model"]);
    if (!processing.centreVocabulary) return table;
    const mean = ops.scale(ops.sum(W_U, ["vocab"]), 1 / model.architecture.vocab);
    return ops.sub(table, ops.matmul(seen, mean, ["d_model"]));
  });
}

/**
 * The entries of `W_E W_QK W_Eᵀ` between chosen tokens, times the block's `scoreScale`: how much a query token (a
 * row) looks for a key token (a column) at a distance, norm denominators, biases and positions apart.
 *
 * @returns `query, key`
 * @throws InputError `transformer/no-head`, `attention/bad-distance`, `attention/bad-token`
 */
export function qkTable<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  head: HeadPlace,
  tokens: { readonly query: readonly number[]; readonly key: readonly number[] },
  options: QkOptions = {},
): T {
  const queries = checkIds(model, tokens.query, "query");
  const keys = checkIds(model, tokens.key, "key");
  return ops.scope(() => {
    const { left, right } = qkCircuit(ops, model, head, options);
    const processing = processingFor(model, options.processing);
    const scale = inAttention(ops, model, head.layer, processing, (block) => block.scoreScale);
    const query = ops.matmul(embedded(ops, model, queries), left, ["d_model"]);
    const key = ops.matmul(embedded(ops, model, keys), right, ["d_model"]);
    return ops.scale(ops.matmul(query, key, ["d_head"], ["query", "key"]), scale);
  });
}

function embedded<T extends Shaped>(ops: Ops<T>, model: Model<T>, ids: Ids): T {
  return tokenEmbedding(ops, model, ids);
}
