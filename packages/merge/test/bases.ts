import { drawing, reference } from "@resolvent/tensor";
import { architectureOf, loadModel } from "@resolvent/transformer";
import type { BasisChange, LayerBases } from "../src/align/index.ts";
import { logitDifference } from "../src/align/index.ts";
import type { OpenMergeModel } from "../src/index.ts";

/** Normal numbers. */
export function gaussian(seed: number): () => number {
  const uniform = drawing(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** An orthogonal matrix by Gram and Schmidt; with `centred` one that keeps the direction (1, …, 1). */
export function orthogonal(n: number, normal: () => number, centred = false): Float64Array {
  const rows: number[][] = centred ? [new Array<number>(n).fill(1 / Math.sqrt(n))] : [];
  while (rows.length < n) {
    let row = Array.from({ length: n }, normal);
    for (const other of [...rows, ...rows]) {
      const dot = row.reduce((sum, one, i) => sum + one * (other[i] as number), 0);
      row = row.map((one, i) => one - dot * (other[i] as number));
    }
    const size = Math.hypot(...row);
    rows.push(row.map((one) => one / size));
  }
  if (!centred) return Float64Array.from(rows.flat());
  // In the basis of the rows turn all but the first: RᵀQR.
  const inner = orthogonal(n - 1, normal);
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 1 / n;
    for (let p = 1; p < n; p++) {
      for (let q = 1; q < n; q++) {
        sum +=
          (rows[p]?.[i] ?? 0) * (inner[(p - 1) * (n - 1) + q - 1] as number) * (rows[q]?.[j] ?? 0);
      }
    }
    return sum;
  });
}

/** Any invertible matrix. */
export function invertible(n: number, normal: () => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => normal() + (at % (n + 1) === 0 ? n : 0));
}

/** A rotation and a scale of each pair that turns together, in halves; what does not turn gets any orthogonal matrix. */
export function pairs(
  n: number,
  turning: number,
  normal: () => number,
  scaled: boolean,
): Float64Array {
  const m = new Float64Array(n * n);
  for (let p = 0; p < turning; p++) {
    const q = p + turning;
    const [angle, r] = [normal(), scaled ? Math.exp(normal() / 2) : 1];
    m[p * n + p] = m[q * n + q] = r * Math.cos(angle);
    m[q * n + p] = r * Math.sin(angle);
    m[p * n + q] = -r * Math.sin(angle);
  }
  const still = orthogonal(n - 2 * turning, normal);
  const size = n - 2 * turning;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      m[(2 * turning + i) * n + 2 * turning + j] = still[i * size + j] as number;
    }
  }
  return m;
}

/** A change of all bases that a model of a shape has, with its neurons the other way round. */
export function anyBases(
  model: OpenMergeModel,
  seed: number,
  { turning, rigid }: { readonly turning: number; readonly rigid: boolean },
): BasisChange {
  const { d_model, d_head, d_mlp, heads, kv_heads, layers, norm } = architectureOf(model.config);
  const upTo = (n: number): number[] => [...Array(n).keys()];
  const normal = gaussian(seed);
  const each = (make: () => Float64Array): Float64Array[] => Array.from({ length: kv_heads }, make);
  const free = (): Float64Array => (rigid ? orthogonal : invertible)(d_head, normal);
  return {
    after: {
      residual: upTo(d_model),
      mlp: upTo(layers).map(() => upTo(d_mlp).toReversed()),
      heads: upTo(layers).map(() => upTo(heads)),
    },
    residual: orthogonal(d_model, normal, norm === "layer"),
    layers: Array.from(
      { length: layers },
      (): LayerBases => ({
        values: each(free),
        keys: each(() => (turning === 0 ? free() : pairs(d_head, turning, normal, !rigid))),
      }),
    ),
  };
}

/** The largest difference between the logits of two models in float64. */
export async function apart(
  a: OpenMergeModel,
  b: OpenMergeModel,
  texts: readonly (readonly number[])[],
): Promise<number> {
  const [x, y] = [await loadModel(reference, a.folder), await loadModel(reference, b.folder)];
  return (await logitDifference(reference, x, y, texts)).largest;
}
