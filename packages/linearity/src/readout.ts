import { ratio } from "@resolvent/analysis";
import { NEAR_NATS } from "@resolvent/expansion";
import {
  type Engine,
  type Ids,
  InternalError,
  type Shaped,
  sizeAlong,
  sizeOf,
  using,
} from "@resolvent/tensor";
import {
  crossEntropy,
  klDivergence,
  likeliestTokens,
  logProbabilities,
  type Model,
  plainSites,
  unembed,
} from "@resolvent/transformer";
import { numbersOf } from "./reading.ts";
import type { Sums, Tallying } from "./tally.ts";

/** Logits are computed together up to this many numbers (64 MiB in float32). */
const LOGITS_AT_ONCE = 2 ** 24;

/** What a model says, to compare readouts with. */
export interface Truth<T> {
  /** `batch, pos, vocab` */
  readonly logProbabilities: T;
  /** The likeliest token at each position, sequence by sequence. */
  readonly likeliest: Int32Array;
}

/** The predictions of a run from its final stream. */
export async function truthOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  residual: T,
): Promise<Truth<T>> {
  const own = engine.scope(() =>
    logProbabilities(engine, unembed(engine, model, residual, plainSites())),
  );
  return {
    logProbabilities: own,
    likeliest: await likeliestTokens(engine, own, ["batch", "pos"]),
  };
}

/**
 * Reads several streams out through the final norm and the unembedding, and adds how their predictions compare with
 * the model's, by sequence: KL divergences, equal top tokens, positions where both are near enough, next-token losses.
 *
 * @param streams `variant, batch, pos, d_model`
 */
export async function readoutBatch<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  streams: T,
  {
    ids,
    names,
    truth,
    tally,
    first,
  }: Tallying & {
    readonly ids: Ids;
    /** One for each variant. */
    readonly names: readonly string[];
    readonly truth: Truth<T>;
  },
): Promise<void> {
  const variants = sizeAlong(streams.shape, "variant", "readoutBatch");
  if (variants !== names.length) {
    throw new InternalError({
      code: "linearity/readouts",
      message: `${names.length} names for ${variants} readouts.`,
    });
  }
  const perVariant = sizeOf(ids.shape) * model.architecture.vocab;
  const step = Math.max(1, Math.floor(LOGITS_AT_ONCE / perVariant));
  const length = sizeAlong(ids.shape, "pos", "readoutBatch");
  const next = (count: number): Ids => ({
    shape: { variant: count, ...ids.shape, pos: length - 1 },
    data: Int32Array.from(
      Array.from({ length: count }, () => [...ids.data].filter((_, i) => i % length !== 0)).flat(),
    ),
  });
  for (let from = 0; from < variants; from += step) {
    const to = Math.min(variants, from + step);
    const compared = () => {
      const stream = engine.slice(streams, "variant", from, to);
      const logits = unembed(engine, model, stream, plainSites());
      const log = logProbabilities(engine, logits);
      const before = engine.arrange(engine.slice(logits, "pos", 0, length - 1), [
        ...["variant", "batch", "pos", "vocab"],
      ]);
      const loss = crossEntropy(engine, before, next(to - from));
      return {
        log,
        kl: klDivergence(engine, truth.logProbabilities, log),
        loss: engine.sum(loss, ["pos"]),
      };
    };
    await using(engine, compared, async (found) => {
      const [kls, losses, best] = await Promise.all([
        numbersOf(engine, found.kl, ["variant", "batch"]),
        numbersOf(engine, found.loss, ["variant", "batch"]),
        likeliestTokens(engine, found.log, ["variant", "batch", "pos"]),
      ]);
      const batch = sizeAlong(ids.shape, "batch", "readoutBatch");
      for (let i = 0; i < kls.length; i++) {
        const name = names[from + Math.floor(i / batch)] as string; // checked above
        const row = i % batch;
        const own = kls[i] ?? new Float64Array(length); // one for each
        let [same, suffices] = [0, 0];
        for (let pos = 0; pos < length; pos++) {
          if (best[i * length + pos] !== truth.likeliest[row * length + pos]) continue;
          same++;
          if ((own[pos] ?? 0) < NEAR_NATS) suffices++;
        }
        tally.add(first + row, `${name} kl`, [own.reduce((sum, x) => sum + x, 0)]);
        tally.add(first + row, `${name} loss`, losses[i] ?? []);
        tally.add(first + row, `${name} top1`, [same]);
        tally.add(first + row, `${name} suffices`, [suffices]);
      }
    });
  }
}

/** Mean KL divergence from the model's predictions, nats. */
export const klOf =
  (name: string) =>
  (sums: Sums): number | null =>
    ratio(sums(`${name} kl`)[0] ?? 0, sums("tokens")[0] ?? 0);

/** Share of positions with the model's likeliest token. */
export const top1Of =
  (name: string) =>
  (sums: Sums): number | null =>
    ratio(sums(`${name} top1`)[0] ?? 0, sums("tokens")[0] ?? 0);

/** Share of positions with the model's likeliest token and a KL divergence from its prediction below `NEAR_NATS`. */
export const sufficesOf =
  (name: string) =>
  (sums: Sums): number | null =>
    ratio(sums(`${name} suffices`)[0] ?? 0, sums("tokens")[0] ?? 0);

/** Mean next-token loss, nats. */
export const lossOf =
  (name: string) =>
  (sums: Sums): number | null =>
    ratio(sums(`${name} loss`)[0] ?? 0, sums("predicted")[0] ?? 0);
