import { type Ops, reference, type Shaped, type Tensor, widenHalf } from "@resolvent/tensor";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { expect, test } from "vitest";
import { createWebgpu } from "../src/index.ts";
import { filled } from "./filled.ts";
import { createOnGpu } from "./on-gpu.ts";

/** Bytes of the largest buffer: 128 numbers. */
const BUFFER = 512;

/** In one buffer, in six, and in more than a kernel sees of any device. */
const INPUTS = {
  x: filled({ pos: 5, d_model: 13 }, 1),
  W: filled({ vocab: 50, d_model: 13 }, 2),
  E: filled({ vocab: 400, d_model: 13 }, 3),
  U: filled({ d_model: 13, vocab: 400 }, 4),
  scores: filled({ head: 3, query: 7, key: 41 }, 5),
};
const ids = { shape: { pos: 6 }, data: Int32Array.of(3, 399, 0, 217, 217, 25) };
const many = {
  shape: { vocab: 50 },
  data: Int32Array.from({ length: 50 }, (_, i) => (7 * i) % 400),
};

type Made = <T extends Shaped>(ops: Ops<T>, inputs: Readonly<Record<keyof typeof INPUTS, T>>) => T;

const cases: readonly (readonly [name: string, made: Made])[] = [
  ["rows that are picked", (ops, { E }) => ops.take(E, "vocab", ids)],
  ["rows that are put", (ops, { W }) => ops.put(W, many, "token", 400)],
  ["a product with an embedding", (ops, { x, E }) => ops.matmul(x, E, ["d_model"])],
  ["a product with an unembedding", (ops, { x, U }) => ops.matmul(x, U, ["d_model"])],
  [
    "one row of it, with what is made of its numbers",
    (ops, { x, W }) => ops.exp(ops.matmul(ops.slice(x, "pos", 2, 3), W, ["d_model"])),
  ],
  [
    "a product of two large ones",
    (ops, { W, E }) => ops.matmul(W, ops.rename(E, { vocab: "token" }), ["d_model"]),
  ],
  ["a chain of functions", (ops, { E }) => ops.mul(E, ops.scale(E, 0.5))],
  ["another order", (ops, { W }) => ops.arrange(W, ["vocab"])],
  [
    "two beside each other",
    (ops, { W, x }) => ops.concat([W, ops.rename(x, { pos: "vocab" })], "vocab"),
  ],
  ["softmax", (ops, { scores }) => ops.softmax(scores, "key", { query: "query", offset: 34 })],
  ["sums along rows", (ops, { E }) => ops.sum(E, ["d_model"])],
  ["sums of rows", (ops, { E }) => ops.sum(E, ["vocab"])],
];

const inParts = () => createOnGpu({ buffer: BUFFER });

await describeWithDevice("tensors in several buffers", inParts, (engine) => {
  const read = async (body: Made): Promise<Tensor> => {
    const gpu = await engine();
    const { used } = gpu.memory;
    const inputs = Object.fromEntries(
      Object.entries(INPUTS).map(([name, { shape, data }]) => [name, gpu.constant(shape, data)]),
    );
    const result = gpu.scope(() => body(gpu, inputs as never)); // the same names
    const numbers = await gpu.read(result);
    gpu.free([inputs, result]);
    expect(gpu.memory.used).toBe(used);
    return numbers;
  };

  test.each(cases)("%s", async (_, body) => {
    const [got, { shape, data }] = [await read(body), body(reference, INPUTS)];
    expect(Object.entries(got.shape)).toEqual(Object.entries(shape));
    expect(Array.from(got.data)).toBeNear(Array.from(data), { rtol: 1e-6, atol: 1e-6 });
  });

  test("the same numbers as in one buffer, to the last bit", async () => {
    const one = await createOnGpu();
    const [x, W] = [INPUTS.x, INPUTS.W].map(({ shape, data }) => one.constant(shape, data));
    const whole = await one.read(one.matmul(x as never, W as never, ["d_model"]));
    expect(await read((ops, inputs) => ops.matmul(inputs.x, inputs.W, ["d_model"]))).toEqual(whole);
    await one.close();
  });

  test("numbers in 16 bits, whose buffers hold twice as many", async () => {
    const gpu = await engine();
    const bits = Uint16Array.from({ length: 650 }, (_, i) => 0x3e80 + ((i * 193) & 0xff));
    const data = widenHalf(bits, "bf16", new Float64Array(650));
    const [kept, wide] = [
      gpu.writtenHalf({ vocab: 50, d_model: 13 }, "bf16", (into) => into.set(bits)),
      { shape: { vocab: 50, d_model: 13 }, data },
    ];
    const x = gpu.constant(INPUTS.x.shape, INPUTS.x.data);
    const [turned, product] = [gpu.arrange(kept, ["vocab"]), gpu.matmul(x, kept, ["d_model"])];
    expect(turned.half).toBe("bf16");
    const exact = reference.matmul(INPUTS.x, wide, ["d_model"]);
    expect(Array.from((await gpu.read(turned)).data)).toEqual(
      Array.from(reference.arrange(wide, ["vocab"]).data),
    );
    expect(Array.from((await gpu.read(product)).data)).toBeNear(Array.from(exact.data), {
      ...{ rtol: 1e-6, atol: 1e-6 },
    });
    gpu.free([kept, x, turned, product]);
  });

  test("the largest of rows in several buffers", async () => {
    const gpu = await engine();
    const { shape, data } = INPUTS.W;
    const W = gpu.constant(shape, data);
    const [got, exact] = [
      await gpu.top(W, "d_model", 4),
      await reference.top(INPUTS.W, "d_model", 4),
    ];
    expect(Array.from(got.indices.data)).toEqual(Array.from(exact.indices.data));
    gpu.free(W);
  });

  test("a row that is longer than all buffers that a kernel sees says so, with both numbers", async () => {
    const gpu = await engine();
    const long = gpu.fill({ x: 128 * 1024 }, 0);
    const softmax = gpu.softmax(long, "x");
    await expect(gpu.read(softmax)).rejects.toThrow(
      /would need \d+ buffers of 512 bytes, and a kernel of this device sees at most \d+\./,
    );
    gpu.free([long, softmax]);
  });
});

test("a buffer holds some numbers at least", async () => {
  await expect(createWebgpu({ buffer: 255 })).rejects.toThrow(
    /a buffer of at least 256 bytes, got 255/,
  );
});
