import { createLinearAlgebra } from "@resolvent/cpu";
import type { Tensor } from "@resolvent/tensor";

/** Sides of the matrices: a head, a small model, GPT-2-small. */
const SIDES = [64, 256, 768];

/** Milliseconds spent on each problem, at least. */
const PATIENCE = 1500;

/** A problem is run at least so often; the median counts. */
const LEAST_RUNS = 3;

const linear = await createLinearAlgebra();
console.log(`Decompositions in Node ${process.version}, float64, one thread, ms, median (best)`);
const table = [];
for (const side of SIDES) {
  const a = random(side);
  const symmetric = symmetricOf(a, side);
  const grown = grownTriangle(side);
  const row: Record<string, string> = { matrix: `${side}×${side}` };
  row["SVD, with vectors"] = time(() => linear.svd(a, "row", "column", "rank"));
  row["singular values"] = time(() => linear.singularValues(a, "row", "column", "rank"));
  row["symmetric, with vectors"] = time(() =>
    linear.symmetricEigen(symmetric, "row", "column", "rank"),
  );
  row["general eigenvalues"] = time(() => linear.eigenvalues(a, "row", "column", "rank"));
  row["triangle of 512 rows above one"] = time(() => linear.triangle(grown, "row", "column"));
  console.error(JSON.stringify(row));
  table.push(row);
}
const heads = { shape: { head: 144, row: 64, column: 64 }, data: numbers(144 * 64 * 64) };
table.push({
  matrix: "144 × (64×64)",
  "SVD, with vectors": time(() => linear.svd(heads, "row", "column", "rank")),
  "singular values": time(() => linear.singularValues(heads, "row", "column", "rank")),
  "general eigenvalues": time(() => linear.eigenvalues(heads, "row", "column", "rank")),
});
console.table(table);

/** Numbers from −1 to 1, the same in every run. */
function numbers(count: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) / 2 ** 15 - 1;
  });
}

function random(side: number): Tensor {
  return { shape: { row: side, column: side }, data: numbers(side * side) };
}

/** 512 rows above a triangle. */
function grownTriangle(side: number): Tensor {
  const data = numbers((512 + side) * side);
  for (let i = 0; i < side; i++) data.fill(0, (512 + i) * side, (512 + i) * side + i);
  return { shape: { row: 512 + side, column: side }, data };
}

function symmetricOf({ shape, data }: Tensor, side: number): Tensor {
  const mean = (i: number, j: number): number =>
    ((data[i * side + j] as number) + (data[j * side + i] as number)) / 2; // i, j < side
  return {
    shape,
    data: Float64Array.from(data, (_, k) => mean(Math.floor(k / side), k % side)),
  };
}

/** Milliseconds of the median run and of the best, after one that does not count. */
function time(run: () => void): string {
  run();
  const times: number[] = [];
  const end = performance.now() + PATIENCE;
  while (times.length < LEAST_RUNS || performance.now() < end) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
  }
  times.sort((x, y) => x - y);
  const [median, best] = [times[times.length >> 1] as number, times[0] as number]; // LEAST_RUNS at least
  return `${median.toPrecision(3)} (${best.toPrecision(3)})`;
}
