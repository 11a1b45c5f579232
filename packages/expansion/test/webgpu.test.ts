import { type Engine, readNumbers, readTogether, reference, type Shaped } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { loadModel, type Model, run, tokenIds } from "@resolvent/transformer";
import { createWebgpu, type Webgpu, type WorkCounts } from "@resolvent/webgpu";
import { expect, test } from "vitest";
import { degreeTerms, expandByDegree } from "../src/index.ts";

const tokens = [3, 17, 5, 9, 5, 2];

/** What an engine did in the meantime. */
async function counted(gpu: Webgpu, body: () => Promise<void>): Promise<WorkCounts> {
  const before = gpu.counts;
  await body();
  const after = gpu.counts;
  const names = Object.keys(after) as (keyof WorkCounts)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as never;
}

async function tiny<T extends Shaped>(
  engine: Engine<T>,
  family: string,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Model<T>> {
  return await loadModel(engine, tinyModel(family, { seed: 7, ...options }), { hash: false });
}

await describeWithDevice("models on WebGPU", createWebgpu, (engine) => {
  test.each(["gpt2", "llama"])(
    "%s: logits and every site are those of the reference",
    async (family) => {
      const gpu = await engine();
      const [model, exact] = [await tiny(gpu, family), await tiny(reference, family)];
      const [got, expected] = [
        run(gpu, model, tokens, { sites: ["*"] }),
        run(reference, exact, tokens, { sites: ["*"] }),
      ];
      expect([...got.trace.keys()]).toEqual([...expected.trace.keys()]);
      for (const [site, value] of [...got.trace, ["logits", got.logits] as const]) {
        const truth = site === "logits" ? expected.logits : expected.trace.get(site);
        const numbers = Array.from(truth?.data ?? []);
        const size = Math.max(...numbers.map(Math.abs));
        expect(await readNumbers(gpu, value), site).toBeNear(numbers, {
          rtol: 0,
          atol: 1e-5 * size,
        });
      }
      gpu.free([got, [...model.stages], model.embed, model.final]);
    },
  );

  test("a layer of GPT-2 takes at most 12 kernels, a pass one command buffer and one read", async () => {
    const gpu = await engine();
    const pass = async (layers: number): Promise<WorkCounts> => {
      const model = await tiny(gpu, "gpt2", { n_layer: layers });
      await gpu.finished(); // weights in the order in which blocks hold them
      return await counted(gpu, async () => {
        const { logits } = run(gpu, model, tokens);
        await gpu.read(logits);
      });
    };
    const [two, three] = [await pass(2), await pass(3)];
    expect(three.dispatches - two.dispatches).toBeLessThanOrEqual(12);
    expect([three.commandBuffers, three.reads]).toEqual([1, 1]);
    expect(three.pipelines).toBe(0); // those of the other layers are there
    expect(three.bytesRead).toBe(4 * tokens.length * 29);
  });

  test("all degrees of a frozen run take one command buffer and one read", async () => {
    const gpu = await engine();
    const model = await tiny(gpu, "gpt2");
    await gpu.finished();
    const work = await counted(gpu, async () => {
      const made = gpu.scope(() => degreeTerms(gpu, model, tokenIds(tokens)));
      await readTogether(gpu, [made.terms, made.remainder]);
      gpu.free(made);
    });
    expect([work.commandBuffers, work.reads]).toEqual([1, 1]);
  });

  test("a degree expansion is that of the reference, and adds up", async () => {
    const gpu = await engine();
    const [model, exact] = [await tiny(gpu, "gpt2"), await tiny(reference, "gpt2")];
    for (const freeze of [["pattern", "norm", "activation"], []] as const) {
      const options = { freeze };
      const expected = await expandByDegree(reference, exact, tokens, options);
      let got = expected;
      const { used } = gpu.memory;
      const work = await counted(gpu, async () => {
        got = await expandByDegree(gpu, model, tokens, options);
      });
      expect(gpu.memory.used).toBe(used);
      expect(got.certificate.relativeError).toBeLessThan(1e-5);
      expect(got.terms.map(({ norm }) => norm)).toBeNear(
        expected.terms.map(({ norm }) => norm),
        { rtol: 1e-4, atol: 1e-5 },
      );
      const kl = ({ terms }: typeof got) =>
        terms.map(({ partial }) => partial.recomputedNorm.kl ?? 0);
      expect(kl(got)).toBeNear(kl(expected), { rtol: 1e-3, atol: 1e-5 });
      // Measures and what the model says; then what partial sums say, with the run's norm and with their own.
      expect([work.commandBuffers, work.reads]).toEqual([3, 3]);
    }
  });
});
