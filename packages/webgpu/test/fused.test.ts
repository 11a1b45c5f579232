import { type Ops, reference, type Shaped } from "@resolvent/tensor";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { expect, test } from "vitest";
import { type Webgpu, type WebgpuTensor, workOf } from "../src/index.ts";
import { filled } from "./filled.ts";
import { createOnGpu } from "./on-gpu.ts";

/** Something that is made of named inputs. */
type Made = <T extends Shaped>(ops: Ops<T>, inputs: Readonly<Record<string, T>>) => T;

const INPUTS = {
  x: filled({ pos: 5, d_model: 40 }, 1),
  y: filled({ pos: 5, d_model: 40 }, 2),
  W: filled({ d_model: 40, d_mlp: 36 }, 3),
  Q: filled({ d_model: 40, head: 2, d_head: 6 }, 4),
  gain: filled({ d_model: 40 }, 5),
  bias: filled({ d_mlp: 36 }, 6),
};

const norm: Made = (ops, { x, gain }) => {
  const centred = ops.center(x as never, "d_model");
  const sigma = ops.rms(centred, "d_model", 1e-5);
  const factor = ops.mul(ops.div(ops.fill({}, 1), sigma), gain as never);
  return ops.add(ops.mul(centred, factor), gain as never);
};
const product: Made = (ops, { x, W }) => ops.matmul(x as never, W as never, ["d_model"]);

/** Computations, and how many kernels they may take. */
const cases: readonly (readonly [name: string, kernels: number, made: Made])[] = [
  [
    "a chain of functions",
    1,
    (ops, { x, y }) => ops.exp(ops.mul(ops.scale(x as never, 2), ops.sub(x as never, y as never))),
  ],
  [
    "layouts in a chain",
    1,
    (ops, { x, y }) => {
      const turned = ops.arrange(ops.slice(x as never, "d_model", 3, 23), ["pos"]);
      return ops.mul(ops.broadcast(turned, { degree: 3 }), ops.slice(y as never, "d_model", 0, 20));
    },
  ],
  ["a norm with its weights", 1, norm],
  [
    "a product with bias, activation and what it multiplies",
    1,
    (ops, inputs) => {
      const pre = ops.add(product(ops, inputs), inputs.bias as never);
      return ops.mul(pre, ops.gate(pre, "gelu"));
    },
  ],
  [
    "a product by heads, with a factor behind it",
    1,
    (ops, { x, Q }) => {
      const heads = ops.matmul(x as never, Q as never, ["d_model"], ["pos", "head", "d_head"]);
      return ops.split(ops.scale(ops.join(heads, ["head", "d_head"], "d"), 0.5), "d", {
        head: 2,
        d_head: 6,
      });
    },
  ],
  [
    "two products, and what they are added to",
    2,
    (ops, { x, y, W }) => {
      const back = ops.matmul(ops.matmul(x as never, W as never, ["d_model"]), W as never, [
        "d_mlp",
      ]);
      return ops.add(y as never, back);
    },
  ],
  [
    "softmax of scaled scores, masked",
    1,
    (ops, { x }) =>
      ops.scale(ops.softmax(ops.scale(x as never, 3), "d_model", { query: "pos", offset: 2 }), 2),
  ],
  [
    "a sum of products entry by entry",
    1,
    (ops, { x, y }) => ops.sum(ops.mul(x as never, y as never), ["d_model"]),
  ],
  [
    "rows that are picked, and added up",
    1,
    (ops, { x, y }) => {
      const ids = { shape: { pos: 5 }, data: Int32Array.of(4, 0, 0, 2, 1) };
      return ops.add(ops.take(x as never, "pos", ids), y as never);
    },
  ],
  [
    "functions of a row's sum",
    1,
    (ops, { x }) => ops.exp(ops.scale(ops.logsumexp(x as never, "d_model"), -1)),
  ],
  [
    "two norms after each other",
    1,
    (ops, inputs) => norm(ops, { ...inputs, x: norm(ops, inputs) }),
  ],
  [
    "sums along different axes, and their difference",
    3,
    (ops, { x }) => ops.sub(ops.sum(x as never, ["pos"]), ops.sum(x as never, ["d_model"])),
  ],
];

await describeWithDevice("few kernels", createOnGpu, (engine) => {
  const made = async (gpu: Webgpu, body: Made): Promise<{ got: number[]; kernels: number }> => {
    const inputs = Object.fromEntries(
      Object.entries(INPUTS).map(([name, { shape, data }]) => [name, gpu.constant(shape, data)]),
    );
    const before = gpu.counts.dispatches;
    const result = gpu.scope(() => body(gpu, inputs));
    const { data } = await gpu.read(result);
    const kernels = gpu.counts.dispatches - before;
    gpu.free([inputs, result]);
    return { got: Array.from(data), kernels };
  };

  test.each(cases)("%s: %i", async (_, most, body) => {
    const { got, kernels } = await made(await engine(), body);
    expect(got).toBeNear(Array.from(body(reference, INPUTS).data), { rtol: 2e-5, atol: 2e-5 });
    expect(kernels).toBe(most);
  });

  test("what is kept is made, once, whatever uses it", async () => {
    const gpu = await engine();
    const x = gpu.constant(INPUTS.x.shape, INPUTS.x.data);
    const { counts: before } = gpu;
    const kept = gpu.exp(x);
    const [sum, double] = [gpu.sum(kept, ["pos"]), gpu.scale(kept, 2)];
    await Promise.all([kept, sum, double].map((each) => gpu.read(each)));
    expect(gpu.counts.dispatches - before.dispatches).toBe(3);
    expect(gpu.counts.commandBuffers - before.commandBuffers).toBe(1);
    expect(gpu.counts.reads - before.reads).toBe(1);
    await gpu.read(gpu.scope(() => gpu.sum(kept, ["d_model"])));
    expect(gpu.counts.dispatches - before.dispatches).toBe(4);
    gpu.free([x, kept, sum, double]);
  });

  test("long sums of few rows are made in parts", async () => {
    const gpu = await engine();
    const numbers = filled({ degree: 2, pos: 30, d_model: 900 }, 9);
    const x = gpu.constant(numbers.shape, numbers.data);
    const { dispatches } = gpu.counts;
    const sum = gpu.scope(() => gpu.sum(gpu.mul(x, x), ["pos", "d_model"]));
    const { data } = await gpu.read(sum);
    const exact = reference.sum(reference.mul(numbers, numbers), ["pos", "d_model"]);
    expect(Array.from(data)).toBeNear(Array.from(exact.data), { rtol: 1e-6, atol: 0 });
    expect(gpu.counts.dispatches - dispatches).toBe(2);
    gpu.free([x, sum]);
  });

  test("more workgroups than one dimension has", async () => {
    const gpu = await engine();
    const rows = Math.ceil((256 * 65536 + 77) / 3);
    const x = gpu.constant({ last: 3 }, [5, 6, 7]);
    const all = gpu.broadcast(x, { row: rows }); // one kernel
    const end = gpu.slice(all, "row", rows - 2, rows);
    expect(Array.from((await gpu.read(end)).data)).toEqual([5, 6, 7, 5, 6, 7]);
    gpu.free([x, all, end]);
  });

  test("what nobody needs is not made", async () => {
    const gpu = await engine();
    const x = gpu.constant(INPUTS.x.shape, INPUTS.x.data);
    const { dispatches } = gpu.counts;
    gpu.scope(() => void gpu.exp(gpu.exp(x)));
    const lost: WebgpuTensor = gpu.log(x);
    gpu.free(lost);
    await gpu.read(x);
    expect(gpu.counts.dispatches).toBe(dispatches);
    gpu.free(x);
  });

  test("the same work on other sizes compiles nothing", async () => {
    const gpu = await engine();
    const run = async (pos: number, width: number): Promise<void> => {
      const x = gpu.fill({ pos, d_model: width }, 1);
      const w = gpu.fill({ d_model: width, d_mlp: width + 3 }, 1);
      const y = gpu.scope(() => gpu.exp(gpu.matmul(gpu.softmax(x, "d_model"), w, ["d_model"])));
      await gpu.read(y);
      gpu.free([x, w, y]);
    };
    await run(20, 50);
    const { pipelines } = gpu.counts;
    await run(31, 78); // in fours no more than before
    expect(gpu.counts.pipelines).toBe(pipelines);
  });

  test("what is compiled ahead is neither run nor compiled again", async () => {
    const gpu = await engine();
    const made = <T extends Shaped>(ops: Ops<T>, x: T, w: T): T =>
      ops.log(ops.matmul(ops.exp(x), w, ["d_model"]));
    const shapes = [
      { pos: 3, d_model: 8 },
      { d_model: 8, d_mlp: 12 },
    ] as const;
    const work = await workOf(gpu, () =>
      gpu.ahead(async (ops) => {
        const read = (): never => {
          throw new Error("Weights were asked for.");
        };
        const [x, w] = shapes.map((shape) => ops.written(shape, read)) as [
          WebgpuTensor,
          WebgpuTensor,
        ];
        const { data } = await ops.read(ops.scope(() => made(ops, x, w)));
        expect(data).toEqual(new Float32Array(36));
      }),
    );
    expect(work.pipelines).toBeGreaterThan(0);
    expect([work.dispatches, work.buffers, work.reads]).toEqual([0, 0, 0]);
    const [x, w] = shapes.map((shape) => gpu.fill(shape, 1)) as [WebgpuTensor, WebgpuTensor];
    await gpu.finished(); // of what fills them
    const run = await workOf(gpu, async () => {
      const { data } = await gpu.read(gpu.scope(() => made(gpu, x, w)));
      expect(data[0]).toBeCloseTo(Math.log(8 * Math.E), 5);
    });
    expect([run.dispatches, run.pipelines]).toEqual([2, 0]);
    gpu.free([x, w]);
  });

  test("a thousand chains return to the same memory and number of buffers", async () => {
    const gpu = await engine();
    const x = gpu.constant(
      { n: 300 },
      Float64Array.from({ length: 300 }, (_, i) => i),
    );
    const chain = async (): Promise<void> => {
      const parts = gpu.scope(() => {
        const e = gpu.scale(x, 2);
        return gpu.concat([gpu.sub(e, x), e], "n");
      });
      const answer = gpu.read(parts);
      gpu.free(parts);
      expect((await answer).data[599]).toBe(598);
    };
    const fifty = () => Promise.all(Array.from({ length: 50 }, chain));
    await fifty();
    const { used } = gpu.memory;
    const { buffers, reads } = gpu.counts;
    for (let i = 0; i < 20; i++) await fifty();
    expect(gpu.memory.used).toBe(used);
    expect(gpu.counts.buffers).toBe(buffers);
    expect(gpu.counts.reads - reads).toBe(20);
    gpu.free(x);
  });
});
