import { type Ids, InputError } from "@resolvent/tensor";
import type { Encoder } from "./encoder.ts";
import { seededRandom } from "./random.ts";
import { type Split, type TaleOptions, taleCorpus } from "./tales/tale.ts";

export interface BatchOptions {
  readonly encoder: Encoder;
  /** Same seed, same batches. */
  readonly seed: number;
  /** Rows of a batch. */
  readonly batch: number;
  /** Tokens that the model reads at a time; a row holds one more, the last to be predicted. */
  readonly context: number;
  /** Default `train`. */
  readonly split?: Split;
  /** The share of tales that are rolls of names; default that of `taleCorpus`. */
  readonly rolls?: number;
  /** A kind of scene that other tales have not; default none. */
  readonly skill?: TaleOptions["skill"];
}

/** The share of rows that begin with `<|endoftext|>`; the others begin with a tale's first token. */
export const markedShare: number = 0.75;

/**
 * Batches without end, `ids: {batch, pos: context + 1}`: inputs are the first `context` ids of a row,
 * targets the last. A row is tales with `<|endoftext|>` between them and is cut at its end.
 * Every row begins with a tale, so what a tale refers to is always within reach; most rows begin
 * with the mark and some without, so that the model is at home with prompts of either kind.
 *
 * @throws InputError `train/batch-size` where batch or context is not a positive whole number.
 */
export function* taleBatches(options: BatchOptions): Generator<Ids> {
  const { encoder, seed, batch, context, split = "train" } = options;
  if (!Number.isInteger(batch) || !Number.isInteger(context) || batch < 1 || context < 1) {
    throw new InputError({
      code: "train/batch-size",
      message: `Batch and context must be whole numbers of at least 1, got ${batch} and ${context}.`,
      remedy: "Pass positive whole numbers.",
      details: { batch, context },
    });
  }
  const tales = taleCorpus({
    seed,
    split,
    ...(options.rolls !== undefined && { rolls: options.rolls }),
    ...(options.skill !== undefined && { skill: options.skill }),
  });
  const random = seededRandom(seed).fork(`rows/${split}`);
  const pos = context + 1;
  for (;;) {
    const data = new Int32Array(batch * pos);
    for (let row = 0; row < batch; row++) {
      let at = row * pos;
      const end = at + pos;
      if (random.chance(markedShare)) data[at++] = encoder.endOfText;
      while (at < end) {
        const tale = tales.next();
        if (tale.done === true) return; // the corpus has no end
        const ids = encoder.encode(tale.value);
        for (let i = 0; i < ids.length && at < end; i++) data[at++] = ids[i] as number; // i is in range
        if (at < end) data[at++] = encoder.endOfText;
      }
    }
    yield { shape: { batch, pos }, data };
  }
}
