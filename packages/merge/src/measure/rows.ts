import { refuse } from "../refuse.ts";

/** Tokens of one pass: activations of a batch stay small beside the weights, and products are large enough. */
const TOKENS_AT_ONCE = 4096;

/** Numbers of logits of one pass: 64 MiB in float32. */
const LOGITS_AT_ONCE = 2 ** 24;

/**
 * Rows of tokens as batches of rows of one length, each small enough for a pass.
 *
 * @throws InputError `merge/no-rows`
 */
export function batchesOf(
  rows: readonly (readonly number[])[],
  vocab: number,
): (readonly (readonly number[])[])[] {
  if (rows.length === 0 || rows.some((row) => row.length === 0)) {
    const at = rows.findIndex((row) => row.length === 0);
    throw refuse(
      "no-rows",
      rows.length === 0 ? "There are no rows of tokens." : `Row ${at} has no tokens.`,
      "Give at least one row, and none that is empty.",
      { rows: rows.length },
    );
  }
  const byLength = new Map<number, (readonly number[])[]>();
  for (const row of rows) {
    const same = byLength.get(row.length);
    if (same === undefined) byLength.set(row.length, [row]);
    else same.push(row);
  }
  return [...byLength].flatMap(([length, same]) => {
    const size = batchSize(length, vocab);
    return Array.from({ length: Math.ceil(same.length / size) }, (_, i) =>
      same.slice(i * size, (i + 1) * size),
    );
  });
}

/** How many rows of one length are passed through a model at once. */
export function batchSize(length: number, vocab: number): number {
  return Math.max(1, Math.floor(Math.min(TOKENS_AT_ONCE, LOGITS_AT_ONCE / vocab) / length));
}
