import { type Engine, readTogether, type Shaped, using } from "@resolvent/tensor";
import {
  likeliestTokens,
  type Model,
  softCap,
  type Target,
  targetValue,
} from "@resolvent/transformer";

/** What a model says at the last position. */
export interface Answer {
  /** The value of the target. */
  readonly target: number;
  /** The likeliest next token. */
  readonly token: number;
  readonly logit: number;
  readonly probability: number;
}

/**
 * What logits at the last position say, one answer each; all are asked for together. Targets are of logits before a
 * cap, the likeliest token's logit and probability after it.
 *
 * @param logits uncapped
 */
export async function answersOf<T extends Shaped>(
  engine: Engine<T>,
  { final }: Pick<Model<T>, "final">,
  logits: readonly T[],
  target: Target,
): Promise<Answer[]> {
  const tokens = await Promise.all(logits.map((one) => likeliestTokens(engine, one, ["pos"])));
  const best = tokens.map(([token = 0]) => token);
  return await using(
    engine,
    () =>
      logits.flatMap((one, i) => {
        const said = softCap(engine, final.cap, one);
        const own = targetValue(engine, said, { a: best[i] ?? 0, b: null });
        return [
          targetValue(engine, one, target),
          own,
          engine.exp(engine.sub(own, engine.logsumexp(engine.sum(said, ["pos"]), "vocab"))),
        ];
      }),
    async (values) => {
      const numbers = (await readTogether(engine, values)).map(([number = Number.NaN]) => number);
      return best.map((token, i) => ({
        target: numbers[3 * i] ?? Number.NaN,
        token,
        logit: numbers[3 * i + 1] ?? Number.NaN,
        probability: numbers[3 * i + 2] ?? Number.NaN,
      }));
    },
  );
}
