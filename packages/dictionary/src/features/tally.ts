import {
  bestExamples,
  type ExamplesOptions,
  examplesBytes,
  type FeatureExample,
} from "./examples.ts";
import { BINS, binOf, binsOf, type HistogramBin } from "./histogram.ts";
import type { TextActivations } from "./inputs.ts";

/** What a feature does on a corpus. */
export interface FeatureStatistics extends FeatureSummary {
  /** Of its activations above 0, bins of a quarter of an octave, from the first to the last that is not empty. */
  readonly histogram: readonly HistogramBin[];
  /** Where it is strongest: at most one place of a text, the strongest first, of equal ones the first that came, of the same tokens with the same activation one. */
  readonly examples: readonly FeatureExample[];
}

/** How often and how strongly a feature is active on a corpus. */
export interface FeatureSummary {
  readonly feature: number;
  /** Tokens on which it is not 0. */
  readonly active: number;
  /** Their share of the tokens read. */
  readonly density: number;
  /** Those of them that stand at the first position of a text. */
  readonly first: number;
  /** Those on which it is below 0, as without a rectifier: they are in no bin. */
  readonly negative: number;
  /** Over the tokens on which it is active; null where there is none. */
  readonly mean: number | null;
  readonly max: number | null;
}

/** Statistics of all features of a dictionary, from texts that come one by one: what is kept does not grow with them. */
export interface Tally {
  add(ids: readonly number[], found: TextActivations): void;
  /** Passes a text by that has no position of the dictionary, so that texts keep their numbers. */
  skip(): void;
  readonly tokens: number;
  readonly texts: number;
  /** Without its histogram and its examples, which take longer to make. */
  summary(feature: number): FeatureSummary;
  of(feature: number): FeatureStatistics;
}

/** Bytes that a tally of so many features takes. */
export function tallyBytes(features: number, options: ExamplesOptions): number {
  return features * (8 * 3 + 4 * 3 + 4 * BINS) + examplesBytes(features, options);
}

/** All indices below are within: entries, or features, or features times bins. */
export function tallyOf(features: number, options: ExamplesOptions): Tally {
  const best = bestExamples(features, options);
  const active = new Float64Array(features);
  const sum = new Float64Array(features);
  const max = new Float64Array(features).fill(Number.NEGATIVE_INFINITY);
  const first = new Uint32Array(features);
  const negative = new Uint32Array(features);
  const bins = new Uint32Array(features * BINS);
  const last = new Int32Array(features).fill(-1); // the entry of a feature that was seen last, in this text
  let [tokens, texts] = [0, 0];
  const at = (array: ArrayLike<number>, index: number): number => array[index] as number;

  const count = (feature: number, value: number, isFirst: boolean): void => {
    active[feature] = at(active, feature) + 1;
    sum[feature] = at(sum, feature) + value;
    if (value > at(max, feature)) max[feature] = value;
    if (isFirst) first[feature] = at(first, feature) + 1;
    if (value < 0) negative[feature] = at(negative, feature) + 1;
    else {
      const bin = feature * BINS + binOf(value);
      bins[bin] = at(bins, bin) + 1;
    }
  };

  const summary = (feature: number): FeatureSummary => {
    const times = at(active, feature);
    return {
      feature,
      active: times,
      density: times / tokens,
      first: at(first, feature),
      negative: at(negative, feature),
      mean: times === 0 ? null : at(sum, feature) / times,
      max: times === 0 ? null : at(max, feature),
    };
  };

  return {
    add: (ids, { positions, activations: { rows, starts, indices, values } }) => {
      // Entries of one feature are linked, from the last row to the first.
      const before = new Int32Array(indices.length);
      const rowOf = new Int32Array(indices.length);
      const touched: number[] = [];
      for (let row = 0; row < rows; row++) {
        for (let entry = at(starts, row); entry < at(starts, row + 1); entry++) {
          const feature = at(indices, entry);
          count(feature, at(values, entry), at(positions, row) === 0);
          if (at(last, feature) < 0) touched.push(feature);
          before[entry] = at(last, feature);
          rowOf[entry] = row;
          last[feature] = entry;
        }
      }
      for (const feature of touched) {
        const own: [number, number][] = [];
        for (let entry = at(last, feature); entry >= 0; entry = at(before, entry)) {
          own.push([at(positions, at(rowOf, entry)), at(values, entry)]);
        }
        last[feature] = -1;
        own.reverse();
        const [position, activation] = own.reduce((most, one) => (one[1] > most[1] ? one : most));
        best.offer(feature, { text: texts, ids, position, activation }, own);
      }
      tokens += rows;
      texts++;
    },
    skip: () => {
      texts++;
    },
    get tokens() {
      return tokens;
    },
    get texts() {
      return texts;
    },
    summary,
    of: (feature) => ({
      ...summary(feature),
      histogram: binsOf(bins.subarray(feature * BINS, (feature + 1) * BINS)),
      examples: best.of(feature),
    }),
  };
}
