import type { Machine } from "./machine.ts";
import { matmul } from "./matmul.ts";

/** How many tile shapes there are in assembly/tile.ts. */
export const TILES = 3;

/** Milliseconds the probe takes: V8 needs some of them until the kernels run at full speed. */
const PROBE_TIME = 24;

/**
 * The tile shape with the fastest small product. The wrong one costs two to three times as long; which one
 * is right depends on the processor's registers and on the runtime. All give the same numbers.
 */
export function fastestTile(machine: Machine): number {
  const best: number[] = new Array(TILES).fill(Number.POSITIVE_INFINITY);
  machine.scope(() => {
    const a = machine.make({ i: 48, k: 128 });
    const b = machine.make({ k: 128, j: 96 });
    machine.numbers(a).fill(1);
    machine.numbers(b).fill(1);
    const end = performance.now() + PROBE_TIME;
    while (performance.now() < end) {
      for (let tile = 0; tile < TILES; tile++) {
        machine.tile = tile;
        const start = performance.now();
        for (let i = 0; i < 4; i++) machine.free(matmul(machine, a, b, ["k"], undefined));
        best[tile] = Math.min(best[tile] as number, performance.now() - start); // tile < TILES
      }
    }
  });
  return best.indexOf(Math.min(...best));
}

/** Milliseconds after which a page's kernels are at full speed: V8 compiles them beside all that a page begins with. */
const SETTLED = 500;

/** Chooses once more when the kernels have been compiled: in a page that has just begun, the first choice may be by chance. */
export function chooseAgain(machine: Machine): void {
  setTimeout(() => {
    if (machine.pool.failure !== undefined) return;
    const { tile } = machine;
    try {
      machine.tile = fastestTile(machine);
    } catch {
      machine.tile = tile; // there is no room for products: the first choice stays
    }
  }, SETTLED);
}
