import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { temporaryFolder, writeHollowModel, writeModel } from "./models.ts";
import { json, output, resolvent } from "./program.ts";

interface Result {
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
}

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

const parameters = 29 * 16 + 24 * 16 + 2 * (12 * 16 * 16 + 13 * 16) + 2 * 16;

test("the JSON says what the model is", async () => {
  const result = await json<Result>(["inspect", model]);
  const bytes = readFileSync(join(model, "model.safetensors"));
  expect(result).toMatchObject({
    schemaVersion: 1,
    kind: "inspection",
    model: {
      name: "small",
      sha256: createHash("sha256").update(bytes).digest("hex"),
      architecture: "gpt2",
      blocks: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"],
    },
    ...{ engine: null, precision: null, certificate: null, warnings: [] },
    architecture: { family: "gpt2", layers: 2, d_model: 16, heads: 2, d_head: 8, vocab: 29 },
    parameters,
    tokenizer: true,
  });
  expect(result.tensors.length).toBe(28);
  const wte = result.tensors.find((tensor) => tensor.name.endsWith("wte.weight"));
  expect(wte).toMatchObject({ dtype: "F32", shape: [29, 16] });
});

test("every format lists the same tensors", async () => {
  const { tensors, ...rest } = await json<Result>(["inspect", model]);
  const text = await output(["inspect", model, "--format", "ndjson"]);
  const [first, ...lines] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(first).toEqual(rest);
  expect(lines).toEqual(tensors.map((tensor) => ({ kind: "tensor", ...tensor })));
  const rows = tensors.map(({ name, dtype, shape }) => `${name},${dtype},${shape.join("×")}\n`);
  expect(await output(["inspect", model, "--format", "csv"])).toBe(
    ["name,dtype,shape\n", ...rows].join(""),
  );
  const table = await output(["inspect", model]);
  expect(table).toMatch(/^small\n {2}family +gpt2\n {2}parameters +7,440\n/);
  for (const { name, shape } of tensors) {
    expect(table).toMatch(new RegExp(`^${name} +F32 +${shape.join(" × ")}$`, "m"));
  }
});

test("loads nothing: works for a model that does not fit, and says how others would be kept", async () => {
  const size = { layers: 1, width: 2048, vocab: 1000, context: 8 };
  const hollow = await writeHollowModel(join(folder, "hollow"), size);
  const limited = ["--max-memory", "1MB"];
  const expand = await resolvent(["expand", hollow, "--tokens", "1", ...limited]);
  expect(expand.code).toBe(5);
  const found = await json<{ weights: object; parameters: number }>([
    "inspect",
    hollow,
    ...limited,
  ]);
  expect(found.parameters).toBe(1000 * 2048 + 8 * 2048 + 12 * 2048 ** 2 + 13 * 2048 + 2 * 2048);
  expect(found.weights).toMatchObject({ kept: "more than the limit" });
  expect(await json(["inspect", model, "--precision", "f64"])).toMatchObject({
    weights: { kept: "in f64" },
  });
  const { kind, flops } = await json<{ kind: string; flops: number }>([
    ...["inspect", model, "--dry-run"],
  ]);
  expect([kind, flops]).toEqual(["cost", 0]);
});

test("says what is not there, and what is shared or grouped", async () => {
  const bare = await writeModel(join(folder, "bare"), "llama", { tokenizer: null });
  const table = await output(["inspect", bare]);
  expect(table).toMatch(/tokenizer +none: give --tokens/);
  expect(table).toMatch(/heads +4 of d_head 8, 2 key-value heads/);
  expect(table).toMatch(/MLP +24 wide, silu, gated/);
  const attention = await writeModel(join(folder, "attn"), "transformer_lens-attn-only");
  expect(await output(["inspect", attention])).toMatch(/MLP +none/);
  const tied = await output(["inspect", model]);
  expect(tied).toMatch(/vocab +29, embedding and unembedding shared/);
});
