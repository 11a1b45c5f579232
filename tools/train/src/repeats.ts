import { type Ids, InputError } from "@resolvent/tensor";
import type { Encoder } from "./encoder.ts";
import { markedShare, taleBatches } from "./pack.ts";
import { type Random, seededRandom } from "./random.ts";

export interface RepeatOptions {
  readonly encoder: Encoder;
  /** Same seed, same batches. */
  readonly seed: number;
  /** Rows of a batch. */
  readonly batch: number;
  /** How many of them are repeats; the others are tales. */
  readonly repeats: number;
  /** Tokens that the model reads at a time; a row holds one more, the last to be predicted. */
  readonly context: number;
  /** The share of tales that are rolls of names; default that of `taleCorpus`. */
  readonly rolls?: number;
}

/** The shortest stretch that a row repeats. */
const SHORTEST = 4;

/**
 * Batches without end, `ids: {batch, pos: context + 1}`, of which some rows are repeats of random tokens and the
 * others tales, as `taleBatches` gives them.
 *
 * @throws InputError `train/batch-size`
 */
export function* repeatBatches(options: RepeatOptions): Generator<Ids> {
  const { encoder, seed, batch, repeats, context, rolls } = options;
  const fits = repeats === 0 || context >= 2 * SHORTEST;
  if (!Number.isInteger(repeats) || repeats < 0 || repeats >= batch || !fits) {
    throw new InputError({
      code: "train/batch-size",
      message: `Of ${batch} rows of ${context} tokens, ${repeats} cannot be repeats.`,
      remedy: `Leave a row for the tales, and give each at least ${2 * SHORTEST} tokens.`,
      details: { batch, repeats, context },
    });
  }
  const tales = taleBatches({
    encoder,
    seed,
    batch: batch - repeats,
    context,
    ...(rolls !== undefined && { rolls }),
  });
  const random = seededRandom(seed).fork("repeats/train");
  const pos = context + 1;
  for (;;) {
    const data = new Int32Array(batch * pos);
    for (let row = 0; row < repeats; row++) {
      data.set(repeatRow(random, encoder, pos), row * pos);
    }
    data.set(tales.next().value.data, repeats * pos);
    yield { shape: { batch, pos }, data };
  }
}

/** Tokens that are drawn from: all of a vocabulary but the mark. */
export type DrawnTokens = Pick<Encoder, "vocabSize" | "endOfText">;

export interface CopyOptions {
  readonly tokens: DrawnTokens;
  /** Same seed, same batches. */
  readonly seed: number;
  /** Rows of a batch. */
  readonly batch: number;
  /** Tokens that the model reads at a time; a row holds one more, the last to be predicted. */
  readonly context: number;
}

/** Batches without end of repeats of random tokens and nothing else: `ids: {batch, pos: context + 1}`. */
export function* copyBatches({ tokens, seed, batch, context }: CopyOptions): Generator<Ids> {
  const random = seededRandom(seed).fork("copies/train");
  const pos = context + 1;
  for (;;) {
    const data = new Int32Array(batch * pos);
    for (let row = 0; row < batch; row++) data.set(repeatRow(random, tokens, pos), row * pos);
    yield { shape: { batch, pos }, data };
  }
}

/**
 * `B B B …`, cut at its end, most rows with `<|endoftext|>` before it: B is random tokens, as many as fit at least
 * twice, so that neither the tokens nor the distance tell what comes, only what came before.
 */
function repeatRow(random: Random, tokens: DrawnTokens, pos: number): number[] {
  const start = random.chance(markedShare) ? [tokens.endOfText] : [];
  const room = pos - start.length;
  const length = SHORTEST + random.below(Math.floor(room / 2) - SHORTEST + 1);
  const once = randomTokens(random, tokens, length);
  return [...start, ...Array.from({ length: room }, (_, i) => once[i % length] ?? 0)];
}

/** Any tokens but `<|endoftext|>`, all equally likely. */
function randomTokens(random: Random, tokens: DrawnTokens, length: number): number[] {
  return Array.from({ length }, () => {
    const id = random.below(tokens.vocabSize - 1);
    return id < tokens.endOfText ? id : id + 1;
  });
}

export interface RepeatedTokensOptions {
  readonly encoder: DrawnTokens;
  /** Same seed, same rows. Never those of training, whatever the seed. */
  readonly seed: number;
  readonly count: number;
  /** Tokens of the stretch. */
  readonly length: number;
}

/** Rows `<|endoftext|> B B` of random tokens, for measuring induction (Olsson et al. 2022). */
export function repeatedTokens({
  encoder,
  seed,
  count,
  length,
}: RepeatedTokensOptions): number[][] {
  const random = seededRandom(seed).fork("repeats/held-out");
  return Array.from({ length: count }, () => {
    const once = randomTokens(random, encoder, length);
    return [encoder.endOfText, ...once, ...once];
  });
}
