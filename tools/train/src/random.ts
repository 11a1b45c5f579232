import { InternalError } from "@resolvent/tensor";

/**
 * A seeded source of chance: the same seed gives the same draws on every machine, since only
 * 32-bit integer arithmetic is used.
 */
export interface Random {
  /** A whole number, 0 ≤ n < 2³². */
  next(): number;
  /** A whole number, 0 ≤ n < `limit`; `limit` is at most 2³². */
  below(limit: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One entry, all equally likely; throws on an empty list. */
  pick<T>(list: readonly T[]): T;
  /** `count` different entries in random order (all of them where the list is shorter). */
  sample<T>(list: readonly T[], count: number): T[];
  /** An independent source. It depends on the seed and the names on the way, not on what was drawn before. */
  fork(name: string): Random;
}

/**
 * The 32-bit hash of a text (FNV-1a over UTF-16 code units, then murmur3's finalizer).
 * Used to seed, and to set combinations of words aside for evaluation.
 */
export function hashText(text: string, basis = 0x811c9dc5): number {
  let hash = basis >>> 0;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A source of chance from a seed: Chris Doty-Humphrey's sfc32, as in PractRand. */
export function seededRandom(seed: number | string): Random {
  const path = String(seed);
  let a = hashText(path, 0x811c9dc5) | 0;
  let b = hashText(path, 0x9e3779b9) | 0;
  let c = hashText(path, 0x243f6a88) | 0;
  let counter = 1;

  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next(); // the first outputs still show the seed

  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit);
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) {
      throw new InternalError({ code: "train/empty-pick", message: "Nothing to pick from." });
    }
    return list[below(list.length)] as T; // below() is within the list; T itself may be undefined
  };
  const sample = <T>(list: readonly T[], count: number): T[] => {
    const rest = [...list];
    const drawn: T[] = [];
    while (drawn.length < count && rest.length > 0) {
      drawn.push(...rest.splice(below(rest.length), 1));
    }
    return drawn;
  };

  return {
    next,
    below,
    chance: (probability) => next() < probability * 2 ** 32,
    pick,
    sample,
    fork: (name) => seededRandom(`${path}/${name}`),
  };
}
