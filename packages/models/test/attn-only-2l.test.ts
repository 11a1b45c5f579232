import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { blocksOf, loadModel, type Model, run } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundledModels } from "../src/index.ts";

/** What its card says of a head. */
interface HeadScores {
  readonly head: string;
  readonly previousToken: number;
  readonly induction: number;
}

const url = bundledModels["attn-only-2l"]?.url;
/** Tokens of the stretch that is repeated. */
const LENGTH = 40;

let cpu: Cpu;
let model: Model<CpuTensor>;
let heads: readonly HeadScores[];
let rows: readonly (readonly number[])[];
beforeAll(async () => {
  cpu = await createCpu({ precision: "f32", threads: 1 });
  model = await loadModel(cpu, folderOf(fileURLToPath(url ?? "")), { hash: false });
  const card = JSON.parse(await readFile(new URL("card.json", url), "utf8"));
  heads = card.measured.induction.heads;
  rows = [1, 2, 3, 4].map((seed) => {
    const once = drawn(seed, model.architecture.vocab - 1);
    return [...once, ...once]; // and no mark before them, unlike the card's
  });
});
afterAll(() => cpu.close());

/** Tokens of no text, the same each time (Lehmer's generator, as in MINSTD). */
function drawn(seed: number, below: number): number[] {
  let state = 7919 * seed;
  return Array.from({ length: LENGTH }, () => {
    state = (48271 * state) % 2147483647;
    return state % below;
  });
}

/** Mean attention from the second copy, as far back as said. */
function attention(pattern: CpuTensor | undefined, head: number, distance: number): number {
  if (pattern === undefined) throw new Error("The pattern was asked for.");
  const { shape, data } = cpu.read(pattern);
  const pos = 2 * LENGTH;
  const heads = model.architecture.heads;
  expect(Object.entries(shape)).toEqual(
    Object.entries({ batch: rows.length, head: heads, pos, key_pos: pos }),
  );
  let sum = 0;
  for (let row = 0; row < rows.length; row++) {
    for (let i = LENGTH; i < pos; i++) {
      sum += data[((row * heads + head) * pos + i) * pos + i - distance] ?? Number.NaN;
    }
  }
  return sum / (rows.length * LENGTH);
}

const numbered = (layer: number) =>
  heads.filter(({ head }) => head.startsWith(`L${layer}.`)).map((scores, n) => ({ ...scores, n }));
const previous = () => numbered(0).filter(({ previousToken }) => previousToken > 0.5);
const inducing = () => numbered(1).filter(({ induction }) => induction > 0.5);

test("is two layers of attention and nothing else", () => {
  const { layers, d_mlp, norm, positions } = model.architecture;
  expect([layers, d_mlp, norm, positions]).toEqual([2, 0, "none", "learned"]);
  for (const block of blocksOf(model)) {
    expect(Object.keys(block).filter((key) => key.startsWith("b_"))).toEqual([]);
  }
});

test("has the heads of its card", () => {
  expect(previous().length).toBeGreaterThan(0);
  expect(inducing().length).toBeGreaterThan(0);
  const { trace } = run(cpu, model, rows, { sites: ["*.pattern"] });
  const [first, second] = ["L0.attn.pattern", "L1.attn.pattern"].map((site) => trace.get(site));
  const [looksBack, follows] = [
    previous().map(({ n, previousToken }) => ({
      said: previousToken,
      got: attention(first, n, 1),
    })),
    inducing().map(({ n, induction }) => ({
      said: induction,
      got: attention(second, n, LENGTH - 1),
    })),
  ];
  for (const heads of [looksBack, follows]) {
    expect(Math.max(...heads.map(({ got }) => got))).toBeGreaterThan(0.5);
    // other tokens, another length, the second copy only
    for (const { said, got } of heads) expect(Math.abs(got - said)).toBeLessThan(0.15);
  }
  cpu.free(trace);
});

test("goes on with random tokens that it has seen once", () => {
  const { shape, data } = cpu.read(run(cpu, model, rows).logits);
  expect(Object.keys(shape)).toEqual(["batch", "pos", "vocab"]);
  const { vocab } = model.architecture;
  const loss = (row: number, pos: number): number => {
    const at = (row * 2 * LENGTH + pos) * vocab;
    const own = Array.from(data.subarray(at, at + vocab));
    const top = Math.max(...own);
    const sum = own.reduce((total, logit) => total + Math.exp(logit - top), 0);
    return top + Math.log(sum) - (own[rows[row]?.[pos + 1] ?? -1] ?? Number.NaN);
  };
  const mean = (from: number, to: number): number => {
    let sum = 0;
    for (let row = 0; row < rows.length; row++) {
      for (let pos = from; pos < to; pos++) sum += loss(row, pos);
    }
    return sum / (rows.length * (to - from));
  };
  const first = mean(0, LENGTH - 1);
  const second = mean(LENGTH, 2 * LENGTH - 1);
  expect(first).toBeGreaterThan(Math.log(vocab) - 0.5); // nothing tells what is drawn
  expect(second).toBeLessThan(first / 5);
});

test("finds them by keys that hold the token before", () => {
  const [, later] = blocksOf(model);
  if (later?.kind !== "attn") throw new Error("Its second block is attention.");
  const { trace } = run(cpu, model, rows, { sites: ["L0.attn.head"] });
  const heads0 = trace.get("L0.attn.head") as CpuTensor; // asked for
  const inductionWithout = (taken: readonly number[]): number[] => {
    const without = (key: CpuTensor): CpuTensor =>
      taken.reduce((rest, n) => {
        const write = cpu.sum(cpu.slice(heads0, "head", n, n + 1), ["head"]);
        const part = cpu.matmul(write, later.W_K, ["d_model"]);
        return cpu.sub(rest, cpu.rename(part, { pos: "key_pos" }));
      }, key);
    const { trace } = run(cpu, model, rows, {
      sites: ["L1.attn.pattern"],
      replace: { "L1.attn.key": without },
    });
    return inducing().map(({ n }) => attention(trace.get("L1.attn.pattern"), n, LENGTH - 1));
  };
  const chosen = previous().map(({ n }) => n);
  const others = numbered(0).flatMap(({ n }) => (chosen.includes(n) ? [] : [n]));
  for (const induction of inductionWithout(chosen)) expect(induction).toBeLessThan(0.1);
  for (const induction of inductionWithout(others)) expect(induction).toBeGreaterThan(0.3);
});
