// Run by wide.test.ts on Node 24: prints what became of the wider kernels, and how many of their numbers differ
// from those of the ordinary ones.
import { createCpu } from "../src/index.ts";
import { wideKernels } from "../src/wide/index.ts";

const [ordinary, wide, single] = await Promise.all([
  createCpu({ threads: 2, blas: "off" }),
  createCpu({ threads: 2, blas: "off", wide: wideKernels }),
  createCpu({ threads: 1, blas: "off", wide: wideKernels }),
]);
const f64 = await createCpu({ threads: 1, blas: "off", precision: "f64", wide: wideKernels });

const engines = [ordinary, wide, single];
let different = 0;
for (const [i, k, j] of [
  [96, 64, 160],
  [61, 300, 47],
  [191, 513, 333],
  [385, 257, 1100],
  [512, 768, 768],
  [7, 300, 500],
] as const) {
  const numbers = (count: number, seed: number): Float32Array =>
    Float32Array.from({ length: count }, (_, n) => Math.sin(n * seed));
  const [left, right] = [numbers(i * k, 1.1), numbers(k * j, 1.7)];
  const orders = [
    [
      { i, k },
      { k, j },
    ],
    [
      { i, k },
      { j, k },
    ],
    [
      { k, i },
      { k, j },
    ],
  ] as const;
  for (const [a, b] of orders) {
    const [expected, ...others] = engines.map((cpu) =>
      cpu.read(cpu.scope(() => cpu.matmul(cpu.constant(a, left), cpu.constant(b, right), ["k"]))),
    );
    for (const { data } of others) {
      different += data.filter((x, n) => !Object.is(x, expected?.data[n])).length;
    }
  }
}
console.log(
  JSON.stringify({
    different,
    ordinary: ordinary.wide ?? null,
    wide: wide.wide,
    single: single.wide,
    f64: f64.wide,
  }),
);
for (const cpu of [...engines, f64]) await cpu.close();
