import { type Engine, inOrder, type Shaped } from "@resolvent/tensor";
import { type Model, run } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";

/** How far the logits of two models are apart. */
export interface LogitDifference {
  /** `max |a − b|` over all texts, positions and tokens. */
  readonly largest: number;
  /** The largest |logit| of the first model: rounding is in proportion to it. */
  readonly scale: number;
  /** Where the largest difference is; absent where there is none. */
  readonly at?: { readonly text: number; readonly pos: number; readonly token: number };
}

export interface LogitOptions {
  readonly signal?: AbortSignal;
  /** Called after each text. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * The largest difference between the logits of two models: rounding alone where one is the other in another order or basis.
 * In float64 a symmetry leaves 1e-13 of the largest logit; what is none changes logits by far more.
 *
 * ```ts
 * const { largest, scale } = await logitDifference(engine, b, aligned, texts);
 * ```
 *
 * @param texts token ids, for both models
 * @throws InputError `merge/align-tokens` without any, `merge/align-shapes` for two vocabularies, and what `run` throws
 */
export async function logitDifference<T extends Shaped>(
  engine: Engine<T>,
  a: Model<T>,
  b: Model<T>,
  texts: readonly (readonly number[])[],
  options: LogitOptions = {},
): Promise<LogitDifference> {
  const [ofA, ofB] = [a.architecture.vocab, b.architecture.vocab];
  if (ofA !== ofB) {
    throw refuse(
      "align-shapes",
      `${a.name} has logits of ${ofA} tokens and ${b.name} of ${ofB}.`,
      "Compare models of one vocabulary.",
      { a: ofA, b: ofB },
    );
  }
  if (texts.every(({ length }) => length === 0)) {
    throw refuse(
      "align-tokens",
      "Logits are compared over no positions; at least 1 is needed.",
      "Give a text.",
      { positions: 0 },
    );
  }
  let found: LogitDifference = { largest: 0, scale: 0 };
  for (const [text, tokens] of texts.entries()) {
    options.signal?.throwIfAborted();
    if (tokens.length > 0) {
      const [x, y] = [await logitsOf(engine, a, tokens), await logitsOf(engine, b, tokens)];
      found = further(found, x, y, { text, vocab: ofA });
    }
    options.onProgress?.({ done: text + 1, total: texts.length });
  }
  return found;
}

function further(
  so: LogitDifference,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  { text, vocab }: { readonly text: number; readonly vocab: number },
): LogitDifference {
  let { largest, scale, at } = so;
  for (let i = 0; i < x.length; i++) {
    scale = Math.max(scale, Math.abs(x[i] as number));
    const apart = Math.abs((x[i] as number) - (y[i] as number));
    // A NaN is no equal number.
    if (apart <= largest) continue;
    largest = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
    at = { text, pos: Math.floor(i / vocab), token: i % vocab };
  }
  return { largest, scale, ...(at !== undefined && { at }) };
}

async function logitsOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
): Promise<ArrayLike<number>> {
  const kept = run(engine, model, tokens);
  try {
    return inOrder(await engine.read(kept.logits), ["pos", "vocab"]).data;
  } finally {
    engine.free({ logits: kept.logits, residual: kept.residual });
  }
}
