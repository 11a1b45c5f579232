import { Graph } from "./graph.ts";
import { fill, matmul } from "./operations.ts";
import { Queue, type QueueOptions } from "./queue.ts";
import { TILES, type Tile, type Tiles } from "./tiles.ts";

/** Rows, columns and terms of the products that are timed: of one that keeps a device busy, and of one that is small. */
const [LARGE, SMALL] = [1024, 512];

/** How often each is timed; the fastest counts. */
const TIMES = 3;

/** The tiles that are the fastest on a device, each on products of both sizes. */
export async function fastestTiles(
  device: GPUDevice,
  options: QueueOptions,
  [large, small]: readonly [large: number, small: number] = [LARGE, SMALL],
): Promise<Tiles> {
  const times: { readonly tile: Tile; readonly large: number; readonly small: number }[] = [];
  for (const tile of TILES) {
    const tiles = { large: tile, small: tile, always: true };
    const queue = new Queue(device, { ...options, tiles });
    times.push({ tile, large: await timeOf(queue, large), small: await timeOf(queue, small) });
    queue.end();
  }
  const fastest = (size: "large" | "small"): Tile =>
    times.reduce((best, next) => (next[size] < best[size] ? next : best)).tile;
  return { large: fastest("large"), small: fastest("small") };
}

/** Milliseconds of one product of squares, without those of its compilation. */
async function timeOf(queue: Queue, size: number): Promise<number> {
  const graph = new Graph(queue);
  const [a, b] = [fill(graph, { m: size, k: size }, 1), fill(graph, { k: size, n: size }, 1)];
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time <= TIMES; time++) {
    const product = matmul(graph, a, b, ["k"], ["n"]);
    const before = performance.now();
    graph.flush();
    await queue.finished();
    if (time > 0) least = Math.min(least, performance.now() - before); // the first compiles
    graph.free(product);
  }
  graph.free([a, b]);
  return least;
}
