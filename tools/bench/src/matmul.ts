import { type Cpu, createCpu } from "@resolvent/cpu";
import type { Precision } from "@resolvent/tensor";

/** A product of `batch` matrices, `rows × terms` by `terms × columns`. */
export interface Product {
  readonly title: string;
  readonly batch: number;
  readonly rows: number;
  readonly terms: number;
  readonly columns: number;
  /** The right operand is stored `[columns][terms]`. */
  readonly transposed: boolean;
}

const product = (
  title: string,
  [rows, terms, columns]: readonly [number, number, number],
  { batch = 1, transposed = false }: { batch?: number; transposed?: boolean } = {},
): Product => ({ title, batch, rows, terms, columns, transposed });

/** The products of a small language model: an MLP, the unembedding, attention heads, single tokens. */
export const products: readonly Product[] = [
  product("512×768×3072", [512, 768, 3072]),
  product("512×768×3072, right transposed", [512, 768, 3072], { transposed: true }),
  product("1024×768×5025", [1024, 768, 5025]),
  product("144 × (128×64×128)", [128, 64, 128], { batch: 144 }),
  product("8×768×3072", [8, 768, 3072]),
  product("1×768×3072", [1, 768, 3072]),
  product("1×768×3072, right transposed", [1, 768, 3072], { transposed: true }),
];

/** One line of the table: billions of floating-point operations a second, by contender. */
export type Row = Readonly<Record<string, string>>;

/** Milliseconds spent on one contender and product, at least. */
const PATIENCE = 400;

/** A contender runs at least so often; the median counts. */
const LEAST_RUNS = 5;

/** The plain loops that the engine is compared with run on this share of the rows: they are slow. */
const NAIVE_SHARE = 16;

/** The whole table; `progress` hears each line as it is done. */
export async function matmulTable(progress: (row: Row) => void): Promise<Row[]> {
  const table: Row[] = [];
  const engines: [string, Cpu][] = [];
  for (const precision of ["f32", "f64"] as const) {
    for (const threads of [1, 2]) {
      engines.push([
        `${precision} ×${threads}`,
        await createCpu({ precision, threads, blas: "off" }),
      ]);
    }
  }
  for (const it of products) {
    const row: Record<string, string> = { product: it.title };
    row["loops f32"] = naiveSpeed(it, "f32");
    row["loops f64"] = naiveSpeed(it, "f64");
    for (const [name, cpu] of engines) row[name] = cpuSpeed(it, cpu);
    progress(row);
    table.push(row);
  }
  for (const [, cpu] of engines) await cpu.close();
  return table;
}

/** GFLOP/s of an engine: the median, and the best in brackets. */
export function cpuSpeed({ batch, rows, terms, columns, transposed }: Product, cpu: Cpu): string {
  return cpu.scope(() => {
    const a = cpu.fill({ batch, rows, terms }, 1);
    const b = cpu.fill(transposed ? { batch, columns, terms } : { batch, terms, columns }, 2);
    return speed(batch * rows * terms * columns, () => {
      const c = cpu.matmul(a, b, ["terms"]);
      cpu.free(c);
    });
  });
}

function naiveSpeed(it: Product, precision: Precision): string {
  const { terms, columns, transposed } = it;
  const rows = Math.max(1, Math.floor(it.rows / NAIVE_SHARE));
  const make = (size: number): Float32Array | Float64Array =>
    precision === "f32" ? new Float32Array(size).fill(1) : new Float64Array(size).fill(1);
  const [a, b, c] = [make(rows * terms), make(terms * columns), make(rows * columns)];
  const [termStep, columnStep] = transposed ? [1, terms] : [columns, 1];
  return speed(rows * terms * columns, () => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < terms; k++) {
          // Within bounds: the arrays are made for these loops.
          sum += (a[i * terms + k] as number) * (b[k * termStep + j * columnStep] as number);
        }
        c[i * columns + j] = sum;
      }
    }
  });
}

/** GFLOP/s of the median run and of the best, after one that does not count. */
function speed(multiplications: number, run: () => void): string {
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
  const figure = (time: number): string => ((2 * multiplications) / time / 1e6).toFixed(1);
  return `${figure(median)} (${figure(best)})`;
}
