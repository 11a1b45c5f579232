import { expect, test } from "vitest";
import { create } from "webgpu";
import { Graph } from "../src/graph.ts";
import { along, matmul, sum } from "../src/operations.ts";
import { Queue } from "../src/queue.ts";
import { TILES } from "../src/tiles.ts";
import { PLAIN } from "../src/traits.ts";

/** A device that runs nothing, and whose compiler knows all that WebGPU has. */
async function compiler(): Promise<{ readonly device: GPUDevice; readonly gpu: GPU }> {
  const gpu = create(["backend=null"]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("Dawn has no null backend.");
  return {
    gpu,
    device: await adapter.requestDevice({ requiredFeatures: ["subgroups", "shader-f16"] }),
  };
}

test.each([4, 32, 64])(
  "kernels with subgroups of %i and 16-bit floats are valid",
  async (lanes) => {
    const { device, gpu } = await compiler();
    const texts: string[] = [];
    const make = device.createShaderModule.bind(device);
    Object.assign(device, {
      createShaderModule: (given: GPUShaderModuleDescriptor) => {
        texts.push(given.code);
        return make(given);
      },
    });
    device.pushErrorScope("validation");
    const kinds = [
      ...TILES.map((tile) => ({ tiles: { large: tile, small: tile, always: true } })),
      { tiles: PLAIN.tiles, software: true },
    ];
    for (const kind of kinds) {
      const graph = new Graph(
        new Queue(device, {
          ...{ limit: Number.POSITIVE_INFINITY, part: 2 ** 27, lanes, halves: true, ...kind },
        }),
      );
      const half = graph.stored({ k: 40, n: 64 }, new Uint16Array(40 * 64), "f16");
      const odd = graph.stored({ k: 40, n: 33 }, new Uint16Array(40 * 33), "f16");
      const x = graph.stored({ m: 300, k: 40 }, new Float32Array(300 * 40));
      const few = graph.stored({ one: 2, k: 40 }, new Float32Array(80));
      const kept = [
        matmul(graph, x, half, ["k"], undefined), // tiled, in fours
        matmul(graph, x, odd, ["k"], undefined), // tiled, one by one
        matmul(graph, few, half, ["k"], undefined), // few rows
        matmul(graph, few, x, ["k"], undefined), // few rows, whose terms lie together
        along(graph, x, "k", x.shape, "softmax"), // teams within a subgroup, or of several
        sum(graph, x, ["m", "k"]), // of a whole workgroup
      ];
      graph.flush();
      graph.free(kept);
    }
    expect((await device.popErrorScope())?.message).toBeUndefined();
    expect(texts.some((text) => text.includes("enable f16;"))).toBe(true);
    expect(texts.some((text) => text.includes("subgroupShuffleXor"))).toBe(true);
    expect(gpu).toBeDefined(); // held until here
  },
);

test("what is not valid would be seen", async () => {
  const { device, gpu } = await compiler();
  device.pushErrorScope("validation");
  device.createShaderModule({ code: "enable f16; fn f() -> f16 { return 1.0f; }" });
  expect((await device.popErrorScope())?.message).toContain("f16");
  expect(gpu).toBeDefined();
});
