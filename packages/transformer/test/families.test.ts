import { cost, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { families } from "../src/families/index.ts";
import {
  blocksOf,
  blockWrite,
  generate,
  loadModel,
  type Model,
  outlineModel,
  plainSites,
  rotaryTable,
  run,
} from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

const VOCAB = 29;

test("every supported model_type has a tiny model", async () => {
  const types = await Promise.all(
    tinyFamilies.map(async (name) => (await tiny(name)).architecture.family),
  );
  expect(new Set(types)).toEqual(new Set(Object.keys(families)));
});

describe.each(tinyFamilies)("%s", (family) => {
  test("loads and runs, with the hash of its weights", async () => {
    const model = await loadModel(reference, tinyModel(family));
    expect(model.name).toBe(family);
    expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
    const { logits, residual, trace } = run(reference, model, TOKENS);
    expect(logits.shape).toEqual({ pos: TOKENS.length, vocab: VOCAB });
    expect(residual.shape).toEqual({ pos: TOKENS.length, d_model: model.architecture.d_model });
    expect(logits.data.every(Number.isFinite)).toBe(true);
    expect(trace.size).toBe(0);
  });

  test("is causal: a later token leaves earlier logits as they are, and changes its own", async () => {
    const model = await tiny(family);
    const before = logitsOf(model, TOKENS);
    const after = logitsOf(model, TOKENS.with(4, 11));
    expect(after.slice(0, 4 * VOCAB)).toEqual(before.slice(0, 4 * VOCAB));
    expect(after.slice(4 * VOCAB)).not.toBeNear(before.slice(4 * VOCAB), { rtol: 1e-3 });
  });

  test("a batch gives what its rows give", async () => {
    const model = await tiny(family);
    const rows = [TOKENS, TOKENS.toReversed(), [0, 0, 0, 28, 28, 3, 4]];
    const { logits } = run(reference, model, rows);
    expect(logits.shape).toEqual({ batch: 3, pos: TOKENS.length, vocab: VOCAB });
    expect(logits.data).toBeNear(
      rows.flatMap((row) => Array.from(logitsOf(model, row))),
      { rtol: 1e-14 },
    );
  });

  test("generation with kept keys and values takes the tokens that full runs take", async () => {
    const model = await tiny(family);
    const made: number[] = [];
    for await (const id of generate(reference, model, TOKENS, { maxTokens: 9, stop: [] }))
      made.push(id);
    const naive: number[] = [];
    for (let i = 0; i < 9; i++) naive.push(likeliest(logitsOf(model, [...TOKENS, ...naive])));
    expect(made).toEqual(naive);
  });

  test("shapes and costs are known from the headers alone", async () => {
    const { folder, read } = counting(family);
    const outline = await outlineModel(folder);
    expect(read()).toBe(false);
    const model = await tiny(family);
    const readShape = { batch: 2, pos: 5, d_model: model.architecture.d_model };
    for (const block of blocksOf(outline)) {
      const ops = cost();
      const write = blockWrite(ops, block, ops.given(readShape), plainSites());
      expect(write.shape).toEqual(readShape);
      expect(ops.total().matmulFlops).toBe(blockFlops(model, block.kind, 2, 5));
    }
    const ops = cost();
    expect(run(ops, outline, TOKENS).logits.shape).toEqual({ pos: TOKENS.length, vocab: VOCAB });
    const { layers, d_mlp, d_model } = model.architecture;
    const one = (kind: "attn" | "mlp"): number => blockFlops(model, kind, 1, TOKENS.length);
    const blocks = layers * (one("attn") + (d_mlp === 0 ? 0 : one("mlp")));
    expect(ops.total().matmulFlops).toBe(blocks + 2 * TOKENS.length * d_model * VOCAB);
  });
});

test("the products of GPT-2 take pos · (layers · (24 d² + 4 pos · d) + 2 d · vocab) operations", async () => {
  const ops = cost();
  const outline = await outlineModel(tinyModel("gpt2"));
  run(ops, outline, TOKENS);
  const { layers, d_model: d } = outline.architecture;
  const pos = TOKENS.length;
  expect(ops.total().matmulFlops).toBe(
    pos * (layers * (24 * d ** 2 + 4 * pos * d) + 2 * d * VOCAB),
  );
});

test("a run takes the memory of one block at a time, however many there are", async () => {
  const peak = async (n_layer: number): Promise<number> => {
    const ops = cost();
    run(ops, await outlineModel(tinyModel("gpt2", { n_layer })), TOKENS);
    return ops.total().peakBytes;
  };
  // Of each further block only the stream after it is kept until the end of the run.
  const perBlock = TOKENS.length * 16 * 4;
  expect(await peak(8)).toBe((await peak(4)) + 2 * 4 * perBlock);
});

describe("rotaryTable", () => {
  const spec = { frequencies: [1, 0.03], pairing: "half", amplitude: 1.5 } as const;

  test("holds amplitude · cos and sin of position · frequency, for as many positions as asked", () => {
    for (const positions of [1, 256, 257, 1000]) {
      const table = rotaryTable(spec, positions);
      expect(table).toMatchObject({ pairs: 2, pairing: "half" });
      expect(table.positions).toBeGreaterThanOrEqual(positions);
      const each = Array.from({ length: table.positions }, (_, pos) =>
        spec.frequencies.map((frequency) => pos * frequency),
      ).flat();
      expect(table.cos).toBeNear(each.map((angle) => 1.5 * Math.cos(angle)));
      expect(table.sin).toBeNear(each.map((angle) => 1.5 * Math.sin(angle)));
    }
  });

  test("is one object for equal specs until more positions are asked for", () => {
    const own = { ...spec };
    const table = rotaryTable(own, 10);
    expect(rotaryTable(own, table.positions)).toBe(table);
    expect(rotaryTable({ ...spec }, 10)).toBe(table);
    expect(rotaryTable({ ...spec, amplitude: 2 * spec.amplitude }, 10)).not.toBe(table);
    const larger = rotaryTable(own, table.positions + 1);
    expect(larger).not.toBe(table);
    expect(rotaryTable(own, 10)).toBe(larger);
  });
});

/** Operations of a block's products: 2 for each weight and position, and the two products with the pattern. */
function blockFlops(
  { architecture: a }: Model<Tensor>,
  kind: "attn" | "mlp",
  rows: number,
  pos: number,
): number {
  if (kind === "mlp") return rows * pos * 2 * (a.gatedMlp ? 3 : 2) * a.d_model * a.d_mlp;
  const weights = a.d_model * a.d_head * (2 * a.heads + 2 * a.kv_heads);
  return rows * pos * (2 * weights + 4 * pos * a.heads * a.d_head);
}

function logitsOf(model: Model<Tensor>, tokens: readonly number[]): Tensor["data"] {
  return run(reference, model, tokens).logits.data;
}

function likeliest(logits: ArrayLike<number>): number {
  const last = Array.from(logits).slice(-VOCAB);
  return last.indexOf(Math.max(...last));
}

/** The folder of a tiny model, and whether any byte of its tensors has been read. */
function counting(family: string): { folder: ReturnType<typeof tinyModel>; read: () => boolean } {
  const inner = tinyModel(family);
  let furthest = 0;
  let headerEnd = Number.POSITIVE_INFINITY;
  const folder: typeof inner = {
    name: inner.name,
    open: async (name) => {
      const file = await inner.open(name);
      if (file === undefined || name !== "model.safetensors") return file;
      const length = new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true);
      headerEnd = 8 + Number(length);
      return {
        ...file,
        read: async (start, end) => {
          furthest = Math.max(furthest, end);
          return await file.read(start, end);
        },
      };
    },
  };
  return { folder, read: () => furthest > headerEnd };
}
