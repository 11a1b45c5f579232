import { type Engine, readTogether, type Shaped, sizeAlong, using } from "@resolvent/tensor";
import type { TokenFacts } from "./result.ts";

/** One of the likeliest next tokens. */
export interface TopToken extends TokenFacts {
  readonly logit: number;
  readonly probability: number;
}

/**
 * The likeliest tokens of each row of logits, the likeliest first; rows in the order of memory.
 *
 * @param logits `vocab`, and an axis of rows
 * @param count of each row; of a smaller vocabulary all
 * @param text how a token reads
 */
export async function topTokens<T extends Shaped>(
  engine: Engine<T>,
  logits: T,
  { count, text }: { readonly count: number; readonly text: (id: number) => string },
): Promise<TopToken[][]> {
  const vocab = sizeAlong(logits.shape, "vocab", "topTokens");
  return await using(
    engine,
    () => engine.logsumexp(logits, "vocab"),
    async (totals) => {
      const [{ indices, values }, [ofRows]] = await Promise.all([
        engine.top(logits, "vocab", Math.min(count, vocab)),
        readTogether(engine, [totals]),
      ]);
      const each = sizeAlong(indices.shape, "vocab", "topTokens");
      return ofRows.map((total, r) =>
        Array.from({ length: each }, (_, rank): TopToken => {
          const id = indices.data[r * each + rank] ?? 0;
          const logit = values.data[r * each + rank] ?? Number.NaN;
          return { id, text: text(id), logit, probability: Math.exp(logit - total) };
        }),
      );
    },
  );
}
