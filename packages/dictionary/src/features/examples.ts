import type { Precision } from "@resolvent/tensor";

/** A place of a text where a feature is active, with what is around it. */
export interface FeatureExample {
  /** The text, from 0 in the order in which they came. */
  readonly text: number;
  /** The position where the feature is strongest in this text. */
  readonly position: number;
  readonly activation: number;
  /** The position of the first token of the window. */
  readonly start: number;
  /** Token ids of the window. */
  readonly tokens: readonly number[];
  /** The feature's activation on each of them. */
  readonly activations: readonly number[];
}

/** How wide windows are, and how many there are. */
export interface ExamplesOptions {
  /** Examples of a feature at most. */
  readonly examples: number;
  /** Tokens before and after the strongest one. */
  readonly before: number;
  readonly after: number;
  readonly precision: Precision;
}

/** The strongest examples of each feature, in memory that does not grow. */
export interface Examples {
  /**
   * Takes an example if it is among the strongest so far: of equally strong ones those that came first, and of those
   * with the same window one.
   *
   * @param own positions and activations of the feature in this text, rising
   */
  offer(
    feature: number,
    example: {
      readonly text: number;
      readonly ids: readonly number[];
      readonly position: number;
      readonly activation: number;
    },
    own: readonly (readonly [position: number, activation: number])[],
  ): void;
  /** Those of a feature, the strongest first. */
  of(feature: number): FeatureExample[];
}

/** Bytes that the examples of all features take. */
export function examplesBytes(
  features: number,
  { examples, before, after, precision }: ExamplesOptions,
): number {
  const width = precision === "f32" ? 4 : 8;
  return features * (4 + examples * (4 * 5 + 8 + (before + 1 + after) * (4 + width)));
}

/** All indices below are within: features times examples times tokens of a window. */
export function bestExamples(
  features: number,
  { examples, before, after, precision }: ExamplesOptions,
): Examples {
  const size = before + 1 + after;
  const slots = features * examples;
  const counts = new Int32Array(features);
  const order = new Int32Array(slots); // of a feature's slots, the strongest first
  const activation = new Float64Array(slots);
  const [text, position, start, length] = Array.from(
    { length: 4 },
    () => new Int32Array(slots),
  ) as [Int32Array, Int32Array, Int32Array, Int32Array];
  const tokens = new Int32Array(slots * size);
  const Numbers = precision === "f32" ? Float32Array : Float64Array;
  const activations = new Numbers(slots * size);
  const at = (array: ArrayLike<number>, index: number): number => array[index] as number;

  /** The slot that a new example goes to, in its place of the order; undefined where it is too weak. */
  const placeFor = (feature: number, value: number): number | undefined => {
    const [base, count] = [feature * examples, at(counts, feature)];
    const full = count === examples;
    if (examples === 0 || (full && at(activation, at(order, base + count - 1)) >= value)) {
      return undefined;
    }
    const slot = full ? at(order, base + count - 1) : base + count;
    let rank = full ? count - 1 : count;
    while (rank > 0 && at(activation, at(order, base + rank - 1)) < value) {
      order[base + rank] = at(order, base + rank - 1);
      rank--;
    }
    order[base + rank] = slot;
    counts[feature] = full ? count : count + 1;
    return slot;
  };

  /** Whether an example is there already: the same tokens around it, as strong. Corpora repeat themselves. */
  const isKept = (feature: number, value: number, window: readonly number[]): boolean => {
    for (let rank = 0; rank < at(counts, feature); rank++) {
      const slot = at(order, feature * examples + rank);
      if (at(activation, slot) !== value || at(length, slot) !== window.length) continue;
      if (window.every((id, i) => id === at(tokens, slot * size + i))) return true;
    }
    return false;
  };

  return {
    offer: (feature, { text: which, ids, position: where, activation: value }, own) => {
      const from = Math.max(0, where - before);
      const to = Math.min(ids.length, where + after + 1);
      const window = ids.slice(from, to);
      if (isKept(feature, value, window)) return;
      const slot = placeFor(feature, value);
      if (slot === undefined) return;
      activation[slot] = value;
      text[slot] = which;
      position[slot] = where;
      start[slot] = from;
      length[slot] = to - from;
      tokens.set(window, slot * size);
      activations.fill(0, slot * size, (slot + 1) * size);
      for (const [pos, a] of own) {
        if (pos >= from && pos < to) activations[slot * size + pos - from] = a;
      }
    },
    of: (feature) =>
      Array.from({ length: at(counts, feature) }, (_, rank) => {
        const slot = at(order, feature * examples + rank);
        const window = slot * size;
        const end = window + at(length, slot);
        return {
          text: at(text, slot),
          position: at(position, slot),
          activation: at(activation, slot),
          start: at(start, slot),
          tokens: Array.from(tokens.subarray(window, end)),
          activations: Array.from(activations.subarray(window, end)),
        };
      }),
  };
}
