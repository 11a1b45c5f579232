import { createCpu } from "@resolvent/cpu";
import { degreeTerms } from "@resolvent/expansion";
import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, run, tokenIds } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { openMergeModel } from "../src/index.ts";
import {
  combineModels,
  comparePaths,
  compareTensor,
  compareTensors,
  crossTaskLinearity,
  degreeLinearity,
  linearPath,
  lossBarrier,
  meanLoss,
} from "../src/measure/index.ts";

const tiny = (family: string, seed: number, fields: Record<string, unknown> = {}) =>
  loadModel(reference, tinyModel(family, { seed, ...fields }), { hash: false });

test("a tensor by hand: zeros do not count, and small angles keep their digits", () => {
  const numbers = (...values: number[]) => Float64Array.from(values);
  const base = numbers(1, 1, 1, 1, 1);
  const found = compareTensor(numbers(1, 2, 3, 0, 5), numbers(2, 1, 0, -1, 2), base);
  // δ = (0, 1, 2, −1, 4) and (1, 0, −1, −2, 1): three changed by both, one in opposite directions.
  expect(found.deltas).toMatchObject({ bothChanged: 3, signConflict: 1 / 3 });
  expect(found.deltas?.signConflictWeighted).toBeCloseTo(1 / 3, 15); // 1 of 1 + 1 + 1
  expect(found.deltas?.cosine).toBeCloseTo(4 / Math.sqrt(22 * 7), 15);
  expect(found.deltas?.normRatio).toBeCloseTo(Math.sqrt(22 / 7), 15);
  const nearly = compareTensor(numbers(1, 0), numbers(1, 1e-9));
  expect(nearly.angle).toBeCloseTo(1e-9, 20);
  expect(nearly).toMatchObject({ slerpIsLinear: true, deltas: null });
  expect(compareTensor(base, base, base).deltas).toEqual({
    ...{ cosine: null, angle: null, normRatio: null, normFirst: 0, normSecond: 0 },
    ...{ bothChanged: 0, signConflict: null, signConflictWeighted: null },
  });
});

test("the mean loss is over predicted positions: long rows weigh more than short ones", async () => {
  const model = await tiny("gpt2", 1);
  const rows = [
    [1, 2, 3, 4, 5],
    [6, 7],
    [8, 9, 10, 11, 12],
  ];
  const each = rows.flatMap((row) => {
    const { data } = run(reference, model, row).logits;
    return row.slice(1).map((next, pos) => {
      const logits = [...data.slice(pos * 29, (pos + 1) * 29)];
      return Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - (logits[next] ?? 0);
    });
  });
  const mean = each.reduce((sum, loss) => sum + loss, 0) / each.length;
  expect(await meanLoss(reference, model, rows)).toBeNear(mean, { rtol: 1e-12 });
});

test("degrees of several rows, with a remainder, against the definition; nothing is left on the engine", async () => {
  const cpu = await createCpu({ precision: "f64", threads: 1 });
  const [first, second] = [0, 1].map((seed) => tinyModel("gpt2", { seed }));
  const a = await loadModel(cpu, first as ReturnType<typeof tinyModel>, { hash: false });
  const b = await loadModel(cpu, second as ReturnType<typeof tinyModel>, { hash: false });
  const alpha = 0.3;
  const merge = combineModels(cpu, [
    { model: a, factor: 1 - alpha },
    { model: b, factor: alpha },
  ]);
  const rows = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const used = cpu.memory.used;
  const found = await degreeLinearity(cpu, { first: a, second: b, merge, alpha }, rows, {
    maxDegree: 1,
  });
  await crossTaskLinearity(cpu, { first: a, second: b, merge, alpha }, rows);
  await comparePaths(cpu, a, b, [1, 2, 3], { target: { a: 1, b: 2 }, level: "head", top: 3 });
  expect(cpu.memory.used).toBe(used);

  const [x, y, m] = [a, b, merge].map((model) => {
    const { terms, remainder, residual } = degreeTerms(cpu, model, tokenIds(rows), {
      maxDegree: 1,
    });
    const read = (value: typeof terms) => [...cpu.read(value).data];
    const both = read(terms); // degree is its first axis
    const half = both.length / 2;
    const rest = remainder === undefined ? [] : read(remainder);
    return { parts: [both.slice(0, half), both.slice(half), rest], whole: read(residual) };
  });
  const dot = (p: readonly number[] = [], q: readonly number[] = []) =>
    p.reduce((sum, value, i) => sum + value * (q[i] ?? 0), 0);
  for (const [k, one] of [...found.degrees, found.remainder].entries()) {
    const [p = [], q = [], own = []] = [x?.parts[k], y?.parts[k], m?.parts[k]];
    const mean = p.map((value, i) => (1 - alpha) * value + alpha * (q[i] ?? 0));
    const off = own.map((value, i) => value - (mean[i] ?? 0));
    const want = [
      Math.sqrt(dot(off, off) / dot(m?.whole, m?.whole)),
      dot(own, mean) / Math.sqrt(dot(own, own) * dot(mean, mean)),
      dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q)),
    ];
    const got = [one?.relativeDifference, one?.cosine, one?.between];
    expect(got.map((n) => n ?? Number.NaN)).toBeNear(want, { of: "each", rtol: 1e-9, atol: 1e-12 });
  }
  await cpu.close();
});

test("a path of a bias that one model lacks has no effect there", async () => {
  const first = await tiny("gpt2", 0);
  const second = await tiny("gpt2", 0);
  const [block] = second.stages[Symbol.iterator]().next().value ?? [];
  if (block?.kind !== "attn") throw new Error("GPT-2 begins with attention");
  // The same model but for what its first block adds whatever it reads.
  const zero = (shape: Readonly<Record<string, number>>) => reference.fill(shape, 0);
  const still = {
    ...block,
    norm: {
      ...block.norm,
      kind: "layer" as const,
      eps: 1e-5,
      bias: zero({ d_model: first.architecture.d_model }),
    },
    ...(block.b_V && { b_V: zero(block.b_V.shape) }),
    ...(block.b_O && { b_O: zero(block.b_O.shape) }),
  };
  const [, ...later] = [...second.stages];
  const without = { ...second, stages: [[still], ...later] };
  const target = { a: 1, b: 2 };
  const { paths } = await comparePaths(reference, first, without, [1, 2, 3], { target, top: 1000 });
  const own = paths.filter(({ source }) => source === "bias:L0.attn");
  expect(own.length).toBeGreaterThan(1);
  expect(own.map(({ second: effect }) => Math.abs(effect))).toEqual(own.map(() => 0));
  const there = own.filter(({ change }) => change !== "kept");
  expect(there.length).toBeGreaterThan(0);
  expect(there.every(({ change }) => change === "vanishes")).toBe(true);
});

test("a model with tied embeddings goes together with one that has two tensors", async () => {
  const tied = await tiny("gpt2", 0);
  const W_U = reference.scale(tied.final.W_U, 2);
  const untied = {
    ...tied,
    architecture: { ...tied.architecture, tied: false },
    final: { ...tied.final, W_U },
  };
  expect(tied.architecture.tied).toBe(true);
  for (const [first, second] of [
    [tied, untied],
    [untied, tied],
  ] as const) {
    const mean = combineModels(reference, [
      { model: first, factor: 0.25 },
      { model: second, factor: 0.75 },
    ]);
    const factor = first === tied ? 1.75 : 1.25;
    const [got, want] = [mean, tied].map((model) => run(reference, model, [1, 2, 3]).logits.data);
    expect(mean.architecture.tied).toBe(false);
    expect([...(got ?? [])]).toBeNear(
      [...(want ?? [])].map((logit) => factor * logit),
      { rtol: 1e-12, atol: 1e-12 },
    );
  }
});

test("what is refused", async () => {
  const [a, wide] = [await tiny("llama", 0), await tiny("llama", 0, { num_hidden_layers: 1 })];
  const rows = [[1, 2, 3]];
  const half = (second: typeof a) => linearPath(reference, a, second);
  await expect(lossBarrier(reference, half(wide), rows)).rejects.toMatchObject({
    code: "merge/shapes-differ",
  });
  const other = await tiny("llama", 0, { rope_theta: 500 });
  expect(() => half(other)(0.5)).toThrow(/rotary/);
  await expect(lossBarrier(reference, half(a), rows, { alphas: [0, 0.5] })).rejects.toMatchObject({
    code: "merge/alphas",
  });
  await expect(lossBarrier(reference, half(a), [])).rejects.toMatchObject({
    code: "merge/no-rows",
  });
  await expect(lossBarrier(reference, half(a), [[1], []])).rejects.toMatchObject({
    code: "merge/no-rows",
  });
  expect(() => combineModels(reference, [{ model: a, factor: 0.9 }])).toThrow(
    /add up to 1, got 0.9/,
  );
  const target = { a: 1, b: 2 };
  const paths = comparePaths(reference, a, a, [1, 2], { target, threshold: 1 });
  await expect(paths).rejects.toMatchObject({ code: "merge/threshold" });
  const merged = { first: a, second: a, merge: a, alpha: Number.NaN };
  await expect(degreeLinearity(reference, merged, [1])).rejects.toMatchObject({
    code: "merge/alpha",
  });
  const stored = await openMergeModel(tinyModel("llama"));
  const larger = await openMergeModel(tinyModel("llama", { vocab_size: 31 }));
  await expect(compareTensors(stored, larger)).rejects.toMatchObject({ code: "merge/shape" });
});
