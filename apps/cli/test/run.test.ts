import { join } from "node:path";
import { openSafetensors } from "@resolvent/weights";
import { fileSource } from "@resolvent/weights/node";
import { beforeAll, describe, expect, test } from "vitest";
import { idsOf, letterTokenizer, temporaryFolder, writeModel } from "./models.ts";
import { json, output, resolvent } from "./program.ts";

interface Next {
  readonly id: number;
  readonly text: string;
  readonly logit: number;
  readonly probability: number;
}

interface Result {
  readonly loss: number | null;
  readonly next: readonly Next[];
  readonly generated: { readonly tokens: readonly number[]; readonly text: string } | null;
  readonly sites: readonly {
    readonly site: string;
    readonly shape: object;
    readonly norm: number;
  }[];
}

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

const args = (...more: string[]): string[] => ["run", model, "--prompt", "a cat", ...more];
const run = (...more: string[]): Promise<Result> => json<Result>(args(...more));

test("the JSON has the documented fields", async () => {
  expect(await run("--top", "2")).toEqual({
    schemaVersion: 1,
    kind: "run",
    question: expect.stringMatching(/^[0-9a-f]{64}$/),
    model: {
      name: "small",
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      architecture: "gpt2",
      blocks: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"],
    },
    input: { tokens: [..."a cat"].map((text, i) => ({ id: idsOf("a cat")[i], text })) },
    engine: "cpu",
    precision: "f32",
    loss: expect.any(Number),
    next: [1, 2].map(() => ({
      id: expect.any(Number),
      text: expect.any(String),
      logit: expect.any(Number),
      probability: expect.any(Number),
    })),
    generated: null,
    sites: [],
    ...{ freeze: [], reference: null, weightProcessing: "none", certificate: null, warnings: [] },
  });
});

test("all formats have the same numbers", async () => {
  const result = await run("--top", "29");
  const { next, ...rest } = result;
  const text = await output(args("--top", "29", "--format", "ndjson"));
  const [first, ...lines] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(first).toEqual(rest);
  expect(lines).toEqual(next.map((one) => ({ kind: "next-token", ...one })));
  const csv = await output(args("--top", "29", "--format", "csv"));
  const rows = next.map((one) => `${one.id},${one.text},${one.logit},${one.probability}\n`);
  expect(csv).toBe(["id,text,logit,probability\n", ...rows].join(""));
  const table = await output(args("--top", "29"));
  expect(table).toContain(`mean loss ${result.loss?.toFixed(4)} nats over 4 predictions`);
  for (const one of next) expect(table).toContain(one.logit.toFixed(3));
});

test("the next tokens come likeliest first, and their probabilities are those of the logits", async () => {
  const { next } = await run("--top", "1000", "--precision", "f64");
  expect(next.length).toBe(29);
  expect(new Set(next.map((one) => one.id)).size).toBe(29);
  const logits = next.map((one) => one.logit);
  expect(logits).toEqual([...logits].sort((a, b) => b - a));
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  expect(next.map((one) => one.probability)).toBeNear(logits.map((x) => Math.exp(x) / total));
  expect((await run()).next.length).toBe(10);
});

test("the loss is the mean of −log p of what comes next", async () => {
  const { loss } = await run("--precision", "f64");
  const text = "a cat";
  const losses = [1, 2, 3, 4].map(async (end) => {
    const one = await json<Result>([
      ...["run", model, "--prompt", text.slice(0, end), "--top", "29", "--precision", "f64"],
    ]);
    const id = idsOf(text)[end];
    return -Math.log(one.next.find((next) => next.id === id)?.probability ?? 0);
  });
  const sum = (await Promise.all(losses)).reduce((a, b) => a + b, 0);
  expect(loss).toBeNear(sum / 4);
  expect((await json<Result>(["run", model, "--tokens", "3"])).loss).toBeNull();
});

describe("--generate", () => {
  test("takes the likeliest token each time", async () => {
    const tokens: number[] = [];
    const { generated } = await run("--generate", "4");
    for (let i = 0; i < 4; i++) {
      const all = [...idsOf("a cat"), ...tokens].join();
      const { next } = await json<Result>(["run", model, "--tokens", all, "--top", "1"]);
      tokens.push(next[0]?.id ?? -1);
    }
    expect(generated?.tokens).toEqual(tokens);
    const letters = "abcdefghijklmnopqrstuvwxyz é";
    expect(generated?.text).toBe(tokens.map((id) => letters[id]).join(""));
    expect(await output(args("--generate", "4"))).toContain(`\na cat${generated?.text}\n`);
  });

  test("samples by the seed", async () => {
    const draw = async (seed: string, ...more: string[]): Promise<readonly number[] | undefined> =>
      (await run("--generate", "12", "--temperature", "2", "--seed", seed, ...more)).generated
        ?.tokens;
    const [one, again, other] = [await draw("1"), await draw("1"), await draw("2")];
    expect(one?.length).toBeGreaterThan(3);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    const greedy = (await run("--generate", "12")).generated?.tokens;
    expect(await draw("1", "--top-k", "1")).toEqual(greedy);
    expect(await draw("2", "--top-p", "0.000001")).toEqual(greedy);
    expect(one).not.toEqual(greedy);
  });

  test("stops where the context is full", async () => {
    const { generated } = await run("--generate", "1000000");
    expect(generated?.tokens.length).toBeLessThanOrEqual(19); // 24 positions, 5 of them taken
    expect(await run("--generate", "0")).toMatchObject({ generated: null });
  });
});

describe("--sites", () => {
  test("shows shapes and norms", async () => {
    const { sites } = await run("--sites", "*.pattern", "final.norm");
    expect(sites).toEqual([
      { site: "L0.attn.pattern", shape: { head: 2, pos: 5, key_pos: 5 }, norm: expect.any(Number) },
      { site: "L1.attn.pattern", shape: { head: 2, pos: 5, key_pos: 5 }, norm: expect.any(Number) },
      { site: "final.norm", shape: { pos: 5 }, norm: expect.any(Number) },
    ]);
    // The rows of a pattern sum to 1: ten rows have a norm from √(10/5) to √10.
    for (const { norm } of sites.slice(0, 2)) {
      expect(norm).toBeGreaterThan(Math.sqrt(2));
      expect(norm).toBeLessThan(Math.sqrt(10));
    }
    expect(await output(args("--sites", "*.pattern"))).toMatch(
      /^L1\.attn\.pattern {2}head 2 × pos 5 × key_pos 5 +\S+$/m,
    );
  });

  test("names the one that is nowhere, beside others that are", async () => {
    const { code, stdout, stderr } = await resolvent(args("--sites", "final.norm", "L7.attn"));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain('small has no site "L7.attn"');
  });
});

test("the table stays aligned with tokens of two places and of none", async () => {
  const tokens = [..."abcdefghijklmnopqrstuvwxyz", "日本", "e\u0301"];
  const path = await writeModel(join(folder, "wide"), "gpt2", {
    tokenizer: letterTokenizer(tokens),
  });
  const text = await output(["run", path, "--tokens", "1", "--top", "29"]);
  const lines = text.split("\n").slice(3, 33);
  const head = lines[0] ?? "";
  const places = (line: string): number =>
    [...line].length + (line.includes("日本") ? 2 : 0) - (line.includes("\u0301") ? 1 : 0);
  for (const line of lines.slice(1)) expect(places(line)).toBe(head.length);
  expect(text).toContain('"日本"');
  expect(text).toContain('"e\u0301"');
});

describe("--save", () => {
  test("writes sites as safetensors, and never over a file without being asked", async () => {
    const path = join(folder, "trace.safetensors");
    const call = ["run", model, "--tokens", "1,2,3", "--sites", "*.pattern", "--save", path];
    const { code, stderr } = await resolvent([...call, "--save-as", "f16"]);
    expect(code).toBe(0);
    expect(stderr).toContain("will take");
    const file = await openSafetensors(fileSource(path));
    expect([...file.tensors.keys()].sort()).toEqual(["L0.attn.pattern", "L1.attn.pattern"]);
    expect(file.tensors.get("L0.attn.pattern")).toMatchObject({ dtype: "F16" });
    expect(JSON.parse(file.metadata.axes ?? "")).toMatchObject({
      "L0.attn.pattern": ["head", "pos", "key_pos"],
    });
    const again = await resolvent(call);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("--overwrite");
    expect((await resolvent([...call, "--overwrite"])).code).toBe(0);
    expect((await resolvent(["run", model, "--tokens", "1", "--save", path])).code).toBe(2);
  });
});
