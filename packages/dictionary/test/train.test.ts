import { type Cpu, createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { lateEngine } from "@resolvent/testkit/engines";
import { loadModel, type Model, run } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Dictionary,
  evaluateDictionary,
  loadDictionary,
  reconstruct,
  saveDictionary,
  type WriteFile,
} from "../src/index.ts";
import {
  type Loss,
  readCheckpoint,
  type TrainDictionaryOptions,
  type TrainingCheckpoint,
  type TrainingProgress,
  trainDictionary,
  writeCheckpoint,
} from "../src/train/index.ts";
import { codeOf, pairs } from "./make.ts";
import { type NaiveLoss, type NaiveState, naiveGradients, naiveStep } from "./train-naive.ts";

/** Texts of a tiny model's 29 tokens. */
const texts = Array.from({ length: 12 }, (_, i) =>
  Array.from({ length: 4 + (i % 5) }, (_, j) => (3 + 7 * i + 11 * j + i * j * j) % 29),
);
const tokens = texts.reduce((sum, text) => sum + text.length, 0);

const settings = {
  site: "L0.mlp.after",
  features: 40,
  steps: 6,
  batch: 16,
  rate: 3e-3,
  seed: 5,
} as const;

let cpu: Cpu;
const models = new Map<unknown, Model<Shaped>>();
beforeAll(async () => {
  cpu = await createCpu({ precision: "f64", threads: 1 });
  for (const engine of [reference, cpu] as unknown as Engine<Shaped>[])
    models.set(engine, await loadModel(engine, tinyModel("gpt2"), { hash: false }));
});
afterAll(async () => await cpu.close());

const modelOf = <T extends Shaped>(engine: Engine<T>): Model<T> =>
  models.get(engine) as unknown as Model<T>; // made on it

/** A training with all its checkpoints and what it tells. */
async function trained<T extends Shaped>(
  engine: Engine<T>,
  options: TrainDictionaryOptions,
): Promise<{
  readonly dictionary: Dictionary<T>;
  readonly checkpoints: TrainingCheckpoint[];
  readonly told: TrainingProgress[];
}> {
  const checkpoints: TrainingCheckpoint[] = [];
  const told: TrainingProgress[] = [];
  const { dictionary, last } = await trainDictionary(engine, modelOf(engine), texts, {
    checkpointEvery: 1,
    onCheckpoint: (one) => void checkpoints.push(one),
    onProgress: (one) => told.push(one),
    ...options,
  });
  expect(last).toEqual(told.at(-1));
  return { dictionary, checkpoints, told };
}

/** Tensors of a part of a checkpoint as rows; vectors are matrices of one row. */
function rowsOf({ tensors }: TrainingCheckpoint, part: string): Record<string, number[][]> {
  return Object.fromEntries(
    [...tensors].flatMap(([name, { shape, data }]) => {
      if (!name.startsWith(`${part}.`)) return [];
      const sizes = Object.values(shape);
      const width = sizes.at(-1) ?? 1;
      const rows = Array.from({ length: data.length / width }, (_, i) =>
        Array.from(data.subarray(i * width, (i + 1) * width)),
      );
      return [[name.slice(part.length + 1), rows]];
    }),
  );
}

/** All vectors of the texts at a site, scaled to a mean norm of √d. */
function vectors(site: string): number[][] {
  const rows = texts.flatMap((text) => {
    const value = run(reference, modelOf(reference), text, { sites: [site] }).trace.get(site);
    const { shape, data } = value as Tensor; // asked for
    const d = shape.d_model ?? 0;
    return text.map((_, pos) => Array.from(data.subarray(pos * d, (pos + 1) * d)));
  });
  const mean = rows.reduce((sum, row) => sum + Math.hypot(...row), 0) / rows.length;
  const factor = Math.sqrt(rows[0]?.length ?? 0) / mean;
  return rows.map((row) => row.map((value) => value * factor));
}

const auxiliary = { weight: 1 / 32, k: 5 };
const LOSSES: readonly (readonly [name: string, loss: Loss, naive: Omit<NaiveLoss, "aux">])[] = [
  [
    "l1",
    { kind: "l1", coefficient: 0.4, decoderNorms: false },
    { kind: "l1", coefficient: 0.4, subtracts: true },
  ],
  [
    "l1 by norms",
    { kind: "l1", coefficient: 0.4, decoderNorms: true },
    { kind: "l1", coefficient: 0.4, norms: true, subtracts: true },
  ],
  ["topk", { kind: "topk", k: 2, auxiliary }, { kind: "topk", k: 2, subtracts: true }],
  [
    "batchtopk",
    { kind: "batchtopk", k: 3, auxiliary },
    { kind: "batchtopk", k: 3, subtracts: true },
  ],
  [
    "Matryoshka",
    { kind: "batchtopk", k: 3, auxiliary, groups: [4, 8, 28] },
    { kind: "batchtopk", k: 3, groups: [4, 8, 28], subtracts: true },
  ],
  [
    "jumprelu",
    { kind: "jumprelu", coefficient: 0.2, bandwidth: 0.5 },
    { kind: "jumprelu", coefficient: 0.2, bandwidth: 0.5, subtracts: false },
  ],
  [
    "gated",
    { kind: "gated", coefficient: 0.2 },
    { kind: "gated", coefficient: 0.2, subtracts: true },
  ],
];
const transcoding = {
  target: "L1.mlp.write",
  site: "L1.mlp.read",
  skip: true,
} as const;

describe("against training in plain loops", () => {
  const cases = LOSSES.flatMap(([name, loss, naive]) => [
    { name, loss, naive, more: {} },
    ...(["l1 by norms", "jumprelu", "Matryoshka"].includes(name)
      ? [
          {
            name: `${name}, a transcoder with a skip`,
            loss,
            naive: { ...naive, subtracts: false },
            more: transcoding,
          },
        ]
      : []),
  ]);

  test.each(cases)("$name", async ({ loss, naive, more }) => {
    // A batch is all that there is, so that its order does not matter.
    const options = {
      ...settings,
      ...more,
      loss,
      batch: tokens,
      buffer: tokens,
      deadAfter: tokens,
    };
    const schedule = { warmup: 3, decay: 2, sparsityWarmup: 4, threshold: 0.6 };
    const { checkpoints, told } = await trained(reference, { ...options, ...schedule });
    const x = vectors(options.site);
    const y = "target" in more ? vectors(more.target) : x;
    const [start] = checkpoints;
    if (start === undefined) throw new Error("no checkpoint");
    let state: NaiveState = {
      weights: rowsOf(start, "weights"),
      first: rowsOf(start, "first"),
      second: rowsOf(start, "second"),
    };
    const unit = !("target" in more) && naive.norms !== true;
    let sawDead = false;
    for (let step = 2; step <= options.steps; step++) {
      const idle = checkpoints[step - 2]?.idle ?? [];
      const dead = Array.from(idle).flatMap((count, f) => (count >= tokens ? [f] : []));
      sawDead ||= dead.length > 0;
      const share = Math.min(1, step / 4);
      const coefficient = (naive.coefficient ?? 0) * share;
      const own = { ...naive, coefficient, ...("k" in loss && { aux: { ...auxiliary, dead } }) };
      const { loss: expected, grad } = naiveGradients(state.weights, own, x, y);
      expect(told[step - 1]?.loss).toBeNear(expected, { rtol: 1e-9, atol: 0 });
      const rate = options.rate * Math.min(1, step / 3, (options.steps - step + 1) / 2);
      state = naiveStep(state, grad, { step, rate, clip: 1, unit });
    }
    if ("k" in loss) expect(sawDead).toBe(true);
    const end = checkpoints.at(-1);
    const got = end === undefined ? {} : rowsOf(end, "weights");
    expect(Object.keys(got).sort()).toEqual(Object.keys(state.weights).sort());
    for (const [name, rows] of Object.entries(state.weights))
      expect(got[name]?.flat(), name).toBeNear(rows.flat(), { rtol: 1e-9, atol: 1e-9 });
  });
});

const memory = (): { files: Map<string, Uint8Array>; write: WriteFile } => {
  const files = new Map<string, Uint8Array>();
  const write: WriteFile = async (file, pieces) => {
    const parts: Uint8Array[] = [];
    for await (const piece of pieces) parts.push(piece);
    files.set(file, new Uint8Array(Buffer.concat(parts)));
  };
  return { files, write };
};

/** So strong a penalty that features die, and begin anew. */
const dying = {
  loss: { kind: "l1", coefficient: 20, decoderNorms: false },
  rate: 0.1,
  warmup: 0,
  resampleEvery: 3,
  deadAfter: 16,
  steps: 9,
} as const;

describe("a training that goes on", () => {
  test.each([
    ["topk", { loss: { kind: "topk", k: 3, auxiliary } }],
    ["batchtopk", { loss: { kind: "batchtopk", k: 3 } }],
    ["l1, resampled", dying],
    ["a transcoder", { ...transcoding, loss: { kind: "jumprelu", coefficient: 0.1 } }],
  ] as const)("%s: the same bits as one that did not stop", async (_, more) => {
    const options = { ...settings, steps: 9, ...more };
    const whole = await trained(cpu, options);
    if ("resampleEvery" in more) expect(whole.told[4]?.dead).toBeGreaterThan(0);
    const stopped = whole.checkpoints[3];
    if (stopped === undefined) throw new Error("no checkpoint");
    const { files, write } = memory();
    await writeCheckpoint(stopped, write);
    const from = await readCheckpoint(memoryFolder(files));
    expect(from).toEqual(stopped);
    const rest = await trained(cpu, { ...options, from });
    expect(rest.told).toEqual(whole.told.slice(4));
    expect(rest.checkpoints.at(-1)).toEqual(whole.checkpoints.at(-1));
    cpu.free([whole.dictionary, rest.dictionary]);
  });

  test("goes on with the same settings alone", async () => {
    const loss = { kind: "topk", k: 3 } as const;
    const { checkpoints, dictionary } = await trained(cpu, { ...settings, loss });
    cpu.free(dictionary);
    const [from] = checkpoints;
    if (from === undefined) throw new Error("no checkpoint");
    const others = [{ steps: 7 }, { seed: 6 }, { site: "L1.mlp.after" }, { features: 41 }];
    for (const other of others) {
      const options = { ...settings, loss, from, ...other };
      expect(await codeOf(() => trained(cpu, options))).toBe("dictionary/other-training");
    }
    const fewer = texts.slice(1);
    expect(
      await codeOf(() => trainDictionary(cpu, modelOf(cpu), fewer, { ...settings, loss, from })),
    ).toBe("dictionary/other-training");
    expect(await codeOf(() => readCheckpoint(memoryFolder(new Map())))).toBe(
      "dictionary/no-checkpoint",
    );
  });
});

describe("what it leaves", () => {
  test.each(LOSSES)("%s: nothing in the engine when it is interrupted", async (_, loss) => {
    const before = cpu.memory.used;
    const controller = new AbortController();
    const options = {
      ...settings,
      loss,
      deadAfter: 16,
      signal: controller.signal,
      onProgress: ({ step }: TrainingProgress) => {
        if (step === 3) controller.abort(new Error("enough"));
      },
    };
    await expect(trainDictionary(cpu, modelOf(cpu), texts, options)).rejects.toThrow("enough");
    expect(cpu.memory.used).toBe(before);
  });

  test("only its dictionary when it ends", async () => {
    const before = cpu.memory.used;
    const { dictionary, told } = await trained(cpu, { ...settings, ...dying });
    expect(Math.max(...told.map(({ dead }) => dead))).toBeGreaterThan(0);
    cpu.free(dictionary);
    expect(cpu.memory.used).toBe(before);
  });
});

test("dead features begin anew at inputs", async () => {
  const options = { ...settings, ...dying };
  const { checkpoints, told } = await trained(reference, options);
  const [before, after] = [checkpoints[4], checkpoints[5]]; // the sixth step begins some anew
  if (before === undefined || after === undefined) throw new Error("no checkpoint");
  const still = (rows: number[][] | undefined, f: number): boolean =>
    rows?.[f]?.every((value) => value === 0) === true;
  const [one, other] = [rowsOf(before, "second").W_dec, rowsOf(after, "second").W_dec];
  const anew = [...before.idle.keys()].filter((f) => !still(one, f) && still(other, f));
  expect(anew.length).toBeGreaterThan(0);
  expect(told[5]?.dead).toBe(0);
  const [weights, first, second] = ["weights", "first", "second"].map((part) =>
    rowsOf(after, part),
  );
  const units = vectors(options.site).map((x) => x.map((value) => value / Math.hypot(...x)));
  const norms = anew.map((f) => {
    const direction = weights?.W_dec?.[f] ?? [];
    const cosines = units.map((x) =>
      x.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0),
    );
    expect(Math.max(...cosines)).toBeNear(1, { rtol: 1e-12, atol: 0 });
    expect(Math.hypot(...direction)).toBeNear(1, { rtol: 1e-12, atol: 0 });
    const encoder = weights?.W_enc?.[f] ?? [];
    const length = Math.hypot(...encoder);
    expect(encoder).toBeNear(direction.map((value) => value * length));
    for (const moments of [first, second]) {
      expect(still(moments?.W_enc, f)).toBe(true);
      expect(still(moments?.W_dec, f)).toBe(true);
      expect(moments?.b_enc?.[0]?.[f]).toBe(0);
    }
    expect(weights?.b_enc?.[0]?.[f]).toBe(0);
    return length;
  });
  const others = (weights?.W_enc ?? []).filter((_, f) => !anew.includes(f));
  const mean = others.reduce((sum, row) => sum + Math.hypot(...row), 0) / others.length;
  expect(norms).toBeNear(
    norms.map(() => 0.2 * mean),
    { rtol: 1e-12, atol: 0 },
  );
});

describe("what it makes", () => {
  const long = {
    ...settings,
    steps: 120,
    rate: 0.01,
    batch: 32,
    deadAfter: 3200,
    threshold: 0.5,
  };

  test.each(LOSSES)(
    "%s: the loss falls, and what is saved is what was trained",
    async (name, loss) => {
      const { dictionary, told } = await trained(cpu, { ...long, loss });
      const mean = (of: (one: TrainingProgress) => number, some: TrainingProgress[]): number =>
        some.reduce((sum, one) => sum + of(one), 0) / some.length;
      const mse = ({ losses }: TrainingProgress): number => losses.mse ?? Number.NaN;
      expect(mean(mse, told.slice(-10))).toBeLessThan(0.5 * mean(mse, told.slice(0, 10)));
      const last = told.at(-1);
      if (name === "topk") expect(last?.l0).toBeLessThanOrEqual(3);
      else if (name === "batchtopk") expect(last?.l0).toBeNear(3, { rtol: 0, atol: 0.01 });
      // Where a penalty decides, fewer features are active than at first.
      else if (name !== "Matryoshka")
        expect(mean(({ l0 }) => l0, told.slice(-10))).toBeLessThan(told[0]?.l0 ?? 0);

      const { files, write } = memory();
      await saveDictionary(cpu, dictionary, write, { dtype: "F64" });
      const loaded = await loadDictionary(cpu, memoryFolder(files));
      expect(loaded.architecture).toBe(dictionary.architecture);
      const measured = await evaluateDictionary(cpu, modelOf(cpu), dictionary, texts);
      const again = await evaluateDictionary(cpu, modelOf(cpu), loaded, texts);
      expect(again.mse).toBeNear(measured.mse, { rtol: 1e-10, atol: 0 });
      expect(again.l0).toBe(measured.l0);
      expect(measured.site).toBe("L0.mlp.after");
      // In the model's units, of all rows: a batch near the end has had about the same.
      expect(measured.explainedVariance).toBeNear(last?.explainedVariance ?? 0, {
        rtol: 0,
        atol: 0.15,
      });
      cpu.free([dictionary, loaded]);
    },
  );

  test("more of a penalty leaves fewer features", async () => {
    const l0 = async (coefficient: number): Promise<number> => {
      const loss = { kind: "jumprelu", coefficient, bandwidth: 0.5 } as const;
      const { dictionary, told } = await trained(cpu, { ...long, loss });
      cpu.free(dictionary);
      return told.at(-1)?.l0 ?? Number.NaN;
    };
    const [without, some, much] = [await l0(0), await l0(0.3), await l0(3)];
    expect(some).toBeLessThan(without);
    expect(much).toBeLessThan(some);
  });

  test("a transcoder with a skip, saved as SAELens has it", async () => {
    const loss = { kind: "batchtopk", k: 3 } as const;
    const positions = { start: 1, stop: null, step: null };
    const { dictionary, told } = await trained(cpu, { ...long, ...transcoding, loss, positions });
    expect(dictionary.architecture).toBe("jumprelu_skip_transcoder");
    expect(told.at(-1)?.explainedVariance).toBeGreaterThan(0.5);
    const { files, write } = memory();
    await saveDictionary(cpu, dictionary, write, { dtype: "F64" });
    const loaded = await loadDictionary(cpu, memoryFolder(files));
    expect(loaded.positions).toEqual(positions);
    const measured = await evaluateDictionary(cpu, modelOf(cpu), loaded, texts);
    expect(measured.site).toBe("L1.mlp.read → L1.mlp.write");
    expect(measured.tokens).toBe(tokens - texts.length);
    const x = cpu.fill({ row: 2, d_in: dictionary.d_in }, 0.3);
    const [one, other] = [await reconstruct(cpu, dictionary, x), await reconstruct(cpu, loaded, x)];
    expect(pairs(other.activations)).toEqual(pairs(one.activations));
    cpu.free([dictionary, loaded, x, one.output, other.output]);
  });

  test("the same on an engine that answers late, and nearly so in float32", async () => {
    const options = {
      ...settings,
      loss: { kind: "topk", k: 3, auxiliary },
      deadAfter: 16,
    } as const;
    const expected = await trained(reference, options);
    const late = lateEngine();
    const there = await loadModel(late, tinyModel("gpt2"), { hash: false });
    const told: TrainingProgress[] = [];
    const onProgress = (one: TrainingProgress): void => void told.push(one);
    await trainDictionary(late, there, texts, { ...options, onProgress });
    expect(told).toEqual(expected.told);
    const single = await createCpu({ precision: "f32", threads: 1 });
    const model = await loadModel(single, tinyModel("gpt2"), { hash: false });
    const { last } = await trainDictionary(single, model, texts, options);
    expect(last?.loss).toBeNear(expected.told.at(-1)?.loss ?? 0, { rtol: 1e-3, atol: 0 });
    await single.close();
  });

  test("another seed is another training, the same one the same", async () => {
    const loss = { kind: "topk", k: 3 } as const;
    const told = async (seed: number): Promise<unknown> =>
      (await trained(reference, { ...settings, loss, seed })).told;
    expect(await told(1)).toEqual(await told(1));
    expect(await told(1)).not.toEqual(await told(2));
  });
});

test.each([
  ["dictionary/bad-setting", { features: 0 }],
  ["dictionary/bad-setting", { steps: 1.5 }],
  ["dictionary/bad-setting", { rate: Number.NaN }],
  ["dictionary/bad-setting", { beta2: 1 }],
  ["dictionary/bad-setting", { loss: { kind: "topk", k: 41 } }],
  ["dictionary/bad-setting", { loss: { kind: "batchtopk", k: 2, groups: [4, 4] } }],
  ["dictionary/bad-setting", { loss: { kind: "l1", coefficient: -1, decoderNorms: true } }],
  ["dictionary/bad-setting", { skip: true }],
  ["dictionary/bad-setting", { resampleEvery: 10 }],
  [
    "dictionary/bad-setting",
    { ...transcoding, loss: { kind: "l1", coefficient: 1, decoderNorms: false } },
  ],
  ["dictionary/bad-setting", { ...transcoding, unitDecoder: true }],
  ["dictionary/not-savable", { ...transcoding, loss: { kind: "topk", k: 2 } }],
  ["dictionary/not-savable", { ...transcoding, loss: { kind: "gated", coefficient: 1 } }],
  ["dictionary/no-site", { site: "nowhere" }],
  ["transformer/no-site", { site: "L9.mlp.after" }],
  ["dictionary/no-tokens", { positions: { start: 90, stop: null, step: null } }],
  ["dictionary/diverged", { rate: 1e300, clip: 1e300, warmup: 0 }],
] as const)("refused, %s: %j", async (code, more) => {
  const loss: Loss = { kind: "batchtopk", k: 2 };
  const before = cpu.memory.used;
  const options = { ...settings, loss, ...more } as TrainDictionaryOptions;
  expect(await codeOf(() => trained(cpu, options))).toBe(code);
  expect(cpu.memory.used).toBe(before);
});
