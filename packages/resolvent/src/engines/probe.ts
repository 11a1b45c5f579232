import { type Engine, type Shaped, using } from "@resolvent/tensor";

/** Side of the matrices that are multiplied. */
const SIDE = 512;
const PRODUCTS = 4;
/** Small operations, one after the other. */
const STEPS = 32;
/** The best counts: the first compiles. */
const RUNS = 3;

/** How fast an engine is here: a tenth of a second of work, less on fast ones. */
export interface Probe {
  /** Billions of floating-point operations a second in products of 512 × 512 matrices. */
  readonly gflops: number;
  /** Milliseconds of an operation that has next to nothing to compute. */
  readonly latency: number;
  /** Bytes that the engine can hold, where it says so. */
  readonly limit: number | undefined;
}

export async function probe<T extends Shaped>(engine: Engine<T>): Promise<Probe> {
  const products = await best(engine, () => {
    const b = engine.fill({ k: SIDE, x: SIDE }, 1 / SIDE);
    let a = engine.fill({ x: SIDE, y: SIDE }, 1);
    for (let i = 0; i < PRODUCTS; i++) a = engine.rename(engine.matmul(b, a, ["x"]), { k: "x" });
    return a;
  });
  const steps = await best(engine, () => {
    const one = engine.fill({ x: 64 }, 1);
    let a = one;
    for (let i = 0; i < STEPS; i++) a = engine.add(a, one);
    return a;
  });
  return {
    gflops: (PRODUCTS * 2 * SIDE ** 3) / products / 1e6,
    latency: steps / STEPS,
    limit: engine.memory?.limit,
  };
}

/** Milliseconds until a number of the result is read. */
async function best<T extends Shaped>(engine: Engine<T>, body: () => T): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await using(
      engine,
      () => {
        const a = body();
        return Object.keys(a.shape).reduce((part, axis) => engine.slice(part, axis, 0, 1), a);
      },
      async (one) => await engine.read(one),
    );
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
