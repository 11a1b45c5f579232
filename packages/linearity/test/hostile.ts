import { BLOCK_MEASURES, type LinearityResult, RESIDUAL_LABELS } from "../src/result.ts";

/** Names that break out of whatever does not escape them. */
const HOSTILE = `"></title><script>globalThis.hacked = 1</script><img src=x onerror="globalThis.hacked=2">'&amp;\u202e`;

/** A result with hostile names, values that are missing, and more blocks than there is room for names. */
export function hostileResult(): LinearityResult {
  const count = 24;
  const places = Array.from({ length: count }, (_, i) => i);
  const interval = (i: number): readonly [number, number] => [i / count - 0.1, i / count + 0.1];
  const named = <V>(names: readonly string[], value: V): Record<string, V> =>
    Object.fromEntries(names.map((name) => [name, value]));
  const scores = (i: number) => ({
    withResidual: i / count,
    withoutResidual: i % 5 === 0 ? null : -i / count,
    rank: 12,
    effectiveRank: 9.5,
    intervals: { withResidual: interval(i), withoutResidual: null },
  });
  return {
    schemaVersion: 1,
    kind: "linearity",
    model: { name: HOSTILE, sha256: null, architecture: HOSTILE, blocks: places.map(String) },
    tokens: 100,
    labels: RESIDUAL_LABELS,
    warnings: [{ code: "odd", message: `Something about ${HOSTILE}` }],
    input: {
      ...{ corpus: HOSTILE, found: 3, length: 8, maxTokens: 100, cut: 0, short: 0 },
      fit: { sequences: 3, tokens: 100 },
      scored: { sequences: 3, tokens: 100 },
    },
    settings: {
      ...{ split: "none", seed: 0, draws: 10, cutoff: 1e-10 },
      ...{ lensPasses: 1, lensRate: 1e-3, maxDegree: 4 },
    },
    ...{ engine: "reference", precision: "f64", freeze: [], reference: null },
    ...{ weightProcessing: "none", certificate: null },
    loss: null,
    blocks: places.map((i) => ({
      block: i === 0 ? HOSTILE : `L${i}.attn`,
      ...(named(BLOCK_MEASURES, i / 7) as Record<(typeof BLOCK_MEASURES)[number], number>), // all of them
      ...scores(i),
      intervals: named(
        BLOCK_MEASURES,
        interval(i),
      ) as LinearityResult["blocks"][number]["intervals"], // the same
    })),
    layers: places.map((layer) => ({ layer, ...scores(layer) })),
    between: [{ from: HOSTILE, to: "embed", ...scores(3) }],
    degrees: [0, 1, 2].map((degree) => ({
      ...{ degree, tree: 1, paths: 2, distance: 3, partialDistance: null },
      intervals: { tree: [0.5, 1.5], paths: null, distance: null, partialDistance: null },
    })),
  };
}
