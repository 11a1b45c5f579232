import { expect, test } from "vitest";
import { createCpu } from "../src/index.ts";
import { startMachine } from "../src/start.ts";
import { difference, results } from "../src/wide/check.ts";
import { wideKernels } from "../src/wide/index.ts";
import { testOnNode24 } from "./node24.ts";

const old = Number.parseInt(process.versions.node, 10) < 24;

test("nothing is said where the wider kernels are not asked for", async () => {
  const cpu = await createCpu({ threads: 1, blas: "off" });
  expect(cpu.wide).toBeUndefined();
  await cpu.close();
});

test("a mere wish is not enough: the kernels are given", async () => {
  const wish = createCpu({ threads: 1, wide: true as unknown as typeof wideKernels }); // as from JavaScript
  await expect(wish).rejects.toThrow(/wide to be kernels, got true\. Pass wideKernels of/);
});

test.runIf(old)(
  "before Node 24 the ordinary kernels are used, and it says so (skipped on Node 24)",
  async () => {
    const options = { threads: 2, blas: "off" };
    const wide = await createCpu({ ...options, wide: wideKernels });
    const ordinary = await createCpu(options);
    expect(wide.wide).toEqual({
      used: false,
      why: expect.stringMatching(`need Node 24 or later; this is ${process.versions.node}`),
    });
    const [got, expected] = [wide, ordinary].map((cpu) => {
      const a = cpu.constant(
        { i: 40, k: 50 },
        Array.from({ length: 2000 }, (_, n) => Math.sin(n)),
      );
      return cpu.read(cpu.matmul(a, cpu.rename(a, { i: "j" }), ["k"])).data;
    });
    expect(got).toEqual(expected);
    await wide.close();
    await ordinary.close();
  },
);

test("the check sees one last bit, a lost sign of zero, and a missing number", async () => {
  const { machine } = await startMachine({ threads: 1, blas: "off" });
  const expected = results(machine);
  expect(difference(expected, results(machine))).toBeUndefined();
  for (const at of [0, 5, expected.length - 1]) {
    const changed = (
      change: (bits: Int32Array, numbers: Float32Array) => void,
    ): typeof expected => {
      const copy = expected.map(([what, data]) => [what, Float32Array.from(data)] as const);
      const numbers = copy[at]?.[1] ?? new Float32Array();
      change(new Int32Array(numbers.buffer), numbers);
      return copy.map(([what, data]) => [what, data]);
    };
    const last = changed((bits) => {
      bits[bits.length - 1] = (bits[bits.length - 1] ?? 0) ^ 1;
    });
    expect(difference(expected, last)).toMatch(expected[at]?.[0] ?? "nothing");
    const missing = changed((_, numbers) => numbers.fill(Number.NaN, 0, 1));
    expect(difference(expected, missing)).toMatch("NaN where");
  }
  expect(difference([["zero", [0]]], [["zero", [-0]]])).toMatch("is right, in zero");
  expect(difference(expected, expected.slice(1))).toBeDefined();
  await machine.pool.close();
});

testOnNode24("on Node 24 the wider kernels are used and give the same bits", (run) => {
  const f64 = { used: false, why: expect.stringMatching("are for f32") };
  expect(run([])).toEqual({
    ...{ different: 0, ordinary: null, f64 },
    ...{ wide: { used: true }, single: { used: true } },
  });
});

testOnNode24("they are used where flags were given, too", (run) => {
  const printed = run(["--experimental-wasm-revectorize"]);
  expect(printed).toMatchObject({ different: 0, wide: { used: true } });
});

testOnNode24("where they are not faster the ordinary ones are used, and it says so", (run) => {
  // Without AVX2 the flag changes nothing.
  const wide = { used: false, why: expect.stringMatching("are not faster here: [01].") };
  expect(run(["--no-enable-avx2"])).toMatchObject({ different: 0, wide, single: wide });
});
