import { isInputError } from "@resolvent/tensor";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { expect, test } from "vitest";
import { globals } from "webgpu";
import { platformGpu } from "../src/adapter.ts";
import { createWebgpu, type Webgpu, type WebgpuTensor } from "../src/index.ts";

const code = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    if (isInputError(error)) return error.code;
    throw error;
  }
  return "";
};
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "",
    (error) => (isInputError(error) ? error.code : String(error)),
  );

const small = (): Promise<Webgpu> => createWebgpu({ limit: 2 ** 20 });

await describeWithDevice("lifetimes", small, (engine) => {
  test("a scope frees what it does not return", async () => {
    const gpu = await engine();
    const { used } = gpu.memory;
    const outer = gpu.fill({ x: 100 }, 1);
    let lost: WebgpuTensor | undefined;
    const kept = gpu.scope(() => {
      lost = gpu.exp(outer);
      return { list: [gpu.add(outer, lost)], map: new Map([["key", gpu.scale(lost, 2)]]), outer };
    });
    expect(code(() => gpu.exp(lost as WebgpuTensor))).toBe("webgpu/freed");
    expect(await failure(gpu.read(lost as WebgpuTensor))).toBe("webgpu/freed");
    expect((await gpu.read(outer)).data[99]).toBe(1);
    const [scaled] = (await gpu.read(kept.map.get("key") as WebgpuTensor)).data;
    expect(scaled).toBeCloseTo(2 * Math.E, 5);
    gpu.free(kept);
    expect(code(() => gpu.add(outer, outer))).toBe("webgpu/freed");
    expect(gpu.memory.used).toBe(used);
  });

  test("numbers are those of the call, whatever happens before they come", async () => {
    const gpu = await engine();
    const a = gpu.constant({ x: 3 }, [1, 2, 3]);
    const answer = gpu.read(a);
    const top = gpu.top(a, "x", 1);
    gpu.free(a);
    const b = gpu.constant({ x: 3 }, [4, 5, 6]); // which may not take the buffer that is still to be read
    const c = gpu.scale(b, 2);
    expect(Array.from((await answer).data)).toEqual([1, 2, 3]);
    expect(Array.from((await top).indices.data)).toEqual([2]);
    expect(Array.from((await gpu.read(c)).data)).toEqual([8, 10, 12]);
    gpu.free([b, c]);
  });

  test("what was written does not reach kernels that were recorded before", async () => {
    const gpu = await engine();
    const first = gpu.constant({ x: 70 }, new Float64Array(70).fill(1));
    const sum = gpu.sum(first, ["x"]);
    gpu.free(first);
    const second = gpu.constant({ x: 70 }, new Float64Array(70).fill(2));
    expect((await gpu.read(sum)).data[0]).toBe(70);
    gpu.free([sum, second]);
  });

  test("views share memory, which lives as long as the last of them", async () => {
    const gpu = await engine();
    const before = gpu.memory.used;
    const a = gpu.constant({ x: 4, y: 3 }, [...Array(12).keys()]);
    const { used } = gpu.memory;
    const parts = [
      gpu.rename(a, { x: "z" }),
      gpu.split(a, "x", { p: 2, q: 2 }),
      gpu.join(a, ["x", "y"], "xy"),
      gpu.slice(a, "x", 1, 3),
    ];
    gpu.free(a);
    const { data } = await gpu.read(parts[3] as WebgpuTensor);
    expect(Array.from(data)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(gpu.memory.used).toBe(used);
    gpu.free(parts);
    expect(gpu.memory.used).toBe(before);
  });

  test("out of memory names both numbers, where the numbers are asked for, and leaves nothing behind", async () => {
    const gpu = await engine();
    const { used } = gpu.memory;
    const a = gpu.fill({ x: 200_000 }, 1);
    const b = gpu.exp(a);
    const answers = [gpu.read(a), gpu.read(b)];
    await expect(answers[0]).rejects.toThrow(/more bytes, with \d+ of 1048576 in use/);
    expect(await failure(answers[1] as Promise<unknown>)).toBe("webgpu/out-of-memory");
    expect(await failure(gpu.read(b))).toBe("webgpu/out-of-memory");
    gpu.free([a, b]);
    expect(gpu.memory.used).toBe(used);
    expect((await gpu.read(gpu.fill({ x: 1 }, 3))).data[0]).toBe(3);
  });

  test("a tensor of another engine is refused; a closed engine computes no more", async () => {
    const gpu = await engine();
    const other = await createWebgpu();
    const foreign = other.fill({ x: 1 }, 1);
    expect(code(() => gpu.exp(foreign))).toBe("webgpu/foreign");
    await other.close();
    expect(code(() => other.exp(foreign))).toBe("webgpu/closed");
    expect(await failure(other.read(foreign))).toBe("webgpu/closed");
  });

  test("what waits for a device that is lost is told, and so is what comes after; another engine goes on", async () => {
    const { gpu: losing, device } = watching();
    const lost = await createWebgpu({ gpu: losing });
    const a = lost.fill({ x: 3 }, 1);
    device()?.destroy();
    expect(await failure(lost.read(a))).toBe("webgpu/device-lost");
    expect(code(() => lost.exp(a))).toBe("webgpu/device-lost");
    expect(await failure(lost.read(a))).toBe("webgpu/device-lost");
    const gpu = await engine();
    const b = gpu.fill({ x: 3 }, 1);
    expect(Array.from((await gpu.read(b)).data)).toEqual([1, 1, 1]);
    gpu.free(b);
  });

  test("what the device has been given when it is lost is told so, too, and the engine says that it computes no more", async () => {
    const { gpu: losing, device } = watching();
    const lost = await createWebgpu({ gpu: losing });
    expect(lost.failure).toBeUndefined();
    const answer = lost.read(lost.fill({ x: 2 ** 20 }, 1));
    await Promise.resolve(); // it is handed over once the caller waits
    expect(lost.counts.commandBuffers).toBe(1);
    device()?.destroy();
    expect(await failure(answer)).toBe("webgpu/device-lost");
    expect(lost.failure).toMatchObject({ code: "webgpu/device-lost" });
  });

  test.each([
    ["GPUOutOfMemoryError", "webgpu/out-of-memory", /^The device has no memory left: of the test/],
    ["GPUValidationError", "webgpu/refused", /^The device refuses what it was told: of the test/],
  ] as const)(
    "a %s of the device is told to who reads, and to who comes after",
    async (kind, named, says) => {
      const { gpu: failing, device } = watching();
      const gpu = await createWebgpu({ gpu: failing });
      const a = gpu.fill({ x: 3 }, 1);
      const answer = gpu.read(a);
      const told = device();
      const errors = globals as unknown as Record<typeof kind, new (message: string) => GPUError>;
      const event = { error: new errors[kind]("of the test") } as GPUUncapturedErrorEvent; // as much as is looked at
      told?.onuncapturederror?.call(told, event);
      await expect(answer).rejects.toMatchObject({
        code: named,
        message: expect.stringMatching(says),
      });
      expect(() => gpu.exp(a)).toThrow(says);
      await gpu.close();
    },
  );
});

/** Sources of devices, held to the end: Node ends the process in the middle of a test where one is let go before its device. */
const sources = new Set<GPU>();

/** The platform's WebGPU, and the last device that it has given. */
function watching(limits: Readonly<Record<string, number>> = {}): {
  readonly gpu: GPU;
  readonly device: () => GPUDevice | undefined;
} {
  let device: GPUDevice | undefined;
  const requestAdapter = async () => {
    const source = await platformGpu();
    sources.add(source);
    const adapter = await source.requestAdapter();
    const request = adapter?.requestDevice.bind(adapter);
    const { info, features } = adapter ?? {};
    return Object.assign(Object.create(adapter), {
      ...{ info, features, limits: new Proxy(adapter?.limits ?? {}, { get: limit }) },
      requestDevice: async (options: GPUDeviceDescriptor) => {
        device = await request?.(options);
        return device;
      },
    });
  };
  const limit = (of: object, name: string): unknown => limits[name] ?? Reflect.get(of, name, of);
  const gpu = { requestAdapter } as unknown as GPU; // as much of one as an engine asks
  return { gpu, device: () => device };
}

test("an adapter that kernels are too large for says so, with both numbers", async () => {
  const { gpu } = watching({ maxComputeInvocationsPerWorkgroup: 128 });
  await expect(createWebgpu({ gpu })).rejects.toMatchObject({
    code: "webgpu/missing-limits",
    message: expect.stringContaining(
      "maxComputeInvocationsPerWorkgroup is 128, and the webgpu engine needs 256.",
    ),
  });
});

test("options are checked; without WebGPU it is said", async () => {
  await expect(createWebgpu({ limit: 0 })).rejects.toThrow(/a limit of at least 1 bytes, got 0/);
  const none = { requestAdapter: async () => null } as unknown as GPU; // as browsers without a driver
  expect(await failure(createWebgpu({ gpu: none }))).toBe("webgpu/no-adapter");
});
