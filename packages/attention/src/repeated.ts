import { drawing, InputError, type Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";

export interface RepeatedOptions {
  /** Tokens in the part that is repeated; default 25, or as many as the model's context has room for. */
  readonly length?: number;
  /** How many sequences; default 4. */
  readonly count?: number;
  /** The same seed gives the same sequences; default 0. */
  readonly seed?: number;
  /** What stands before the first copy; default the model's own beginning of a text, where it has one. */
  readonly bos?: number | undefined;
  /** Which tokens may be drawn; default all but those that begin and end texts. */
  readonly allowed?: (id: number) => boolean;
}

/** Sequences `[bos?] + B + B`, of one length. */
export interface Repeated {
  /** Tokens of `B`. */
  readonly length: number;
  readonly seed: number;
  readonly bos: number | null;
  readonly sequences: readonly (readonly number[])[];
}

/** Tokens of `B` where the context has room for them. */
const LENGTH = 25;

/**
 * Random tokens, repeated once: what induction and duplicate-token heads show themselves on. The tokens of `B` are
 * different where there are enough of them to draw from, so that a token occurs exactly once before.
 *
 * @returns undefined where the context has no room for two tokens twice
 * @throws InputError `attention/too-long`, `attention/bad-repeat`, `attention/bad-token`,
 * `attention/no-tokens`
 */
export function repeatedSequences<T extends Shaped>(
  { name, architecture }: Pick<Model<T>, "name" | "architecture">,
  options: RepeatedOptions = {},
): Repeated | undefined {
  const { context, vocab, eos } = architecture;
  const { count = 4, seed = 0 } = options;
  const bos = "bos" in options ? options.bos : architecture.bos;
  const room = Math.floor((context - (bos === undefined ? 0 : 1)) / 2);
  if (options.length === undefined && room < 2) return undefined;
  const length = options.length ?? Math.min(LENGTH, room);
  if (!(Number.isInteger(length) && length > 0 && Number.isInteger(count) && count > 0)) {
    throw new InputError({
      code: "attention/bad-repeat",
      message: `A repeated sequence needs whole numbers from 1 of tokens and sequences, got ${length} and ${count}.`,
      details: { length, count },
    });
  }
  if (length > room) {
    throw new InputError({
      code: "attention/too-long",
      message: `${name} takes ${context} tokens, which has room for ${room} tokens twice, got ${length}.`,
      remedy: "Repeat fewer.",
      details: { context, room, got: length },
    });
  }
  if (bos !== undefined && !(Number.isInteger(bos) && bos >= 0 && bos < vocab)) {
    throw new InputError({
      code: "attention/bad-token",
      message: `Token ids of ${name} are 0 to ${vocab - 1}, got ${bos} to begin with.`,
      remedy: "Choose one of the vocabulary.",
      details: { vocab, got: bos },
    });
  }
  const special = [architecture.bos, bos, ...eos];
  const { allowed = (id: number) => !special.includes(id) } = options;
  const pool = Array.from({ length: vocab }, (_, id) => id).filter(allowed);
  if (pool.length < 2) {
    throw new InputError({
      code: "attention/no-tokens",
      message: `Only ${pool.length} of the ${vocab} tokens of ${name} may be drawn.`,
      remedy: "Allow two at least.",
      details: { vocab, allowed: pool.length },
    });
  }
  const next = drawing(seed);
  const draw = (): number => pool[Math.floor(next() * pool.length)] as number; // below its length
  const part = (): number[] => {
    if (pool.length < length) return Array.from({ length }, draw);
    const drawn = new Set<number>();
    while (drawn.size < length) drawn.add(draw());
    return [...drawn];
  };
  const sequences = Array.from({ length: count }, () => {
    const tokens = part();
    return [...(bos === undefined ? [] : [bos]), ...tokens, ...tokens];
  });
  return { length, seed, bos: bos ?? null, sequences };
}
