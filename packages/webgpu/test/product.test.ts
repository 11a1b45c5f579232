import { type Axis, reference, type Shape, type Tensor, widenHalf } from "@resolvent/tensor";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { afterAll, describe, expect, test } from "vitest";
import { openDevice } from "../src/adapter.ts";
import { Graph } from "../src/graph.ts";
import { createWebgpu, type Webgpu } from "../src/index.ts";
import { matmul } from "../src/operations.ts";
import { Queue } from "../src/queue.ts";
import { TILES } from "../src/tiles.ts";
import { PLAIN } from "../src/traits.ts";
import { fastestTiles } from "../src/trial.ts";
import { filled } from "./filled.ts";

const TOLERANCE = { rtol: 1e-6, atol: 2e-6 };

/** Whether a product of two has rows, columns and terms in fours, together or apart, or in none. */
const cases: readonly (readonly [name: string, a: Shape, b: Shape, over: readonly Axis[]])[] = [
  ["terms in fours, columns in fours", { m: 13, k: 12 }, { k: 12, n: 36 }, ["k"]],
  ["rows in fours, terms in fours", { k: 12, m: 36 }, { n: 9, k: 12 }, ["k"]],
  ["nothing in fours", { m: 13, k: 7 }, { k: 7, n: 11 }, ["k"]],
  ["nothing in fours, the other way", { k: 7, m: 35 }, { n: 13, k: 7 }, ["k"]],
  ["a batch in fours", { g: 3, m: 12, k: 8 }, { g: 3, k: 8, n: 16 }, ["k"]],
  ["a batch that is not", { g: 3, m: 11, k: 4 }, { g: 3, k: 4, n: 9 }, ["k"]],
  ["two axes of terms", { m: 12, h: 3, k: 8 }, { n: 16, h: 3, k: 8 }, ["h", "k"]],
  ["few rows", { m: 3, k: 9 }, { k: 9, n: 70 }, ["k"]],
  ["few rows, terms together", { m: 8, k: 9 }, { n: 70, k: 9 }, ["k"]],
];

const kernels = [
  ["GPUs", false],
  ["processors", true],
] as const;
for (const [device, software] of kernels) {
  await describeWithDevice(
    `products, with the kernels for ${device}`,
    () => createWebgpu({ software }),
    describeProducts,
  );
}

function describeProducts(engine: () => Promise<Webgpu>): void {
  test.each(cases)("%s", async (_, left, right, over) => {
    const gpu = await engine();
    const [a, b] = [filled(left, 1), filled(right, 2)];
    const operands = [a, b].map(({ shape, data }) => gpu.constant(shape, data));
    const product = gpu.matmul(operands[0] as never, operands[1] as never, over, ["n"]);
    const { data } = await gpu.read(product);
    expect(Array.from(data)).toBeNear(
      Array.from(reference.matmul(a, b, over, ["n"]).data),
      TOLERANCE,
    );
    gpu.free([operands, product]);
  });

  test("one tensor on both sides, and beside the product", async () => {
    const gpu = await engine();
    const S = filled({ m: 12, n: 12 }, 4);
    const made = <T>(ops: typeof reference, s: Tensor): T =>
      ops.add(ops.matmul(s, ops.rename(s, { m: "p" }), ["n"]), ops.rename(s, { n: "p" })) as T;
    const s = gpu.constant(S.shape, S.data);
    const got = gpu.scope(() => made(gpu as never, s as never)) as typeof s;
    expect(Array.from((await gpu.read(got)).data)).toBeNear(
      Array.from(made<Tensor>(reference, S).data),
      TOLERANCE,
    );
    gpu.free([s, got]);
  });

  test.each(["bf16", "f16"] as const)("weights of %s in fours", async (half) => {
    const gpu = await engine();
    const bits = Uint16Array.from({ length: 12 * 36 }, (_, i) => 0x3c00 + ((i * 193) & 0xff));
    const w = gpu.writtenHalf({ k: 12, n: 36 }, half, (into) => into.set(bits));
    const W = { shape: { k: 12, n: 36 }, data: widenHalf(bits, half, new Float64Array(432)) };
    const X = filled({ m: 40, k: 12 }, 3);
    const x = gpu.constant(X.shape, X.data);
    const product = gpu.matmul(x, w, ["k"]);
    const exact = Array.from(reference.matmul(X, W, ["k"]).data);
    const largest = Math.max(...exact.map(Math.abs));
    expect(Array.from((await gpu.read(product)).data)).toBeNear(exact, {
      ...{ rtol: 0, atol: 1e-6 * largest },
    });
    gpu.free([w, x, product]);
  });
}

await describeWithDevice("products", createWebgpu, () => {
  describe("tiles", () => {
    const opened = openDevice(undefined, "high-performance"); // held: Node ends a device whose source is let go
    afterAll(async () => (await opened).device.destroy());
    const [A, B] = [filled({ m: 70, k: 36 }, 5), filled({ k: 36, n: 132 }, 6)];

    test.each(TILES)("of $rows by $columns, $own of a thread", async (tile) => {
      const { device } = await opened;
      const tiles = { large: tile, small: tile, always: true };
      const part = 2 ** 27;
      const queue = new Queue(device, { limit: Number.POSITIVE_INFINITY, part, tiles });
      const graph = new Graph(queue);
      const [a, b] = [A, B].map(({ shape, data }) => graph.stored(shape, Float32Array.from(data)));
      const product = matmul(graph, a as never, b as never, ["k"], ["n"]);
      const bytes = new Promise<ArrayBuffer>((resolve, reject) => {
        graph.ask({
          ...{ node: graph.see(product), reject },
          use: (block) => void queue.read(block, 0, 4 * 70 * 132).then(resolve, reject),
        });
      });
      expect(Array.from(new Float32Array(await bytes))).toBeNear(
        Array.from(reference.matmul(A, B, ["k"]).data),
        TOLERANCE,
      );
      queue.end();
    });

    test("the fastest are of those that were tried, and nothing of the trial stays", async () => {
      const { device } = await opened;
      const made: GPUBuffer[] = [];
      const create = device.createBuffer.bind(device);
      const watched = Object.assign(device, {
        createBuffer: (given: GPUBufferDescriptor) => {
          const buffer = create(given);
          const destroy = buffer.destroy.bind(buffer);
          made.push(buffer);
          return Object.assign(buffer, {
            destroy: () => {
              made.splice(made.indexOf(buffer), 1);
              destroy();
            },
          });
        },
      });
      const part = 2 ** 27;
      const options = { ...PLAIN, limit: Number.POSITIVE_INFINITY, part };
      const { large, small } = await fastestTiles(watched, options, [48, 40]);
      expect(TILES).toContain(large);
      expect(TILES).toContain(small);
      expect(made).toEqual([]);
    });
  });
});
