import { readFileSync } from "node:fs";
import { type Cpu, createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  freshState,
  type Loss,
  lossAndGradients,
  type Objective,
  type TrainedWeights,
  type TrainingState,
  trainingStep,
} from "../src/train/index.ts";

type Matrix = readonly number[] | readonly (readonly number[])[];
type Weights = Readonly<Record<string, Matrix>>;

interface Steps {
  readonly x: readonly (readonly number[])[];
  readonly y: readonly (readonly number[])[];
  readonly dead: readonly number[];
  readonly cases: Readonly<
    Record<
      string,
      {
        readonly params: Weights;
        readonly losses: Readonly<Record<string, number>>;
        readonly total: number;
        readonly grad: Weights;
        readonly after_adam: Weights;
        readonly min_kept?: number;
        readonly threshold_before?: number;
        readonly threshold_after?: number;
      }
    >
  >;
}

const AXES: Readonly<Record<string, readonly string[]>> = {
  W_enc: ["d_in", "feature"],
  W_dec: ["feature", "d_out"],
  b_dec: ["d_out"],
  W_skip: ["d_out", "d_in"],
};

const axesOf = (name: string): readonly string[] => AXES[name] ?? ["feature"];

/** Weights of the file, in the memory order of training. */
function weightsOf<T extends Shaped>(engine: Engine<T>, given: Weights): TrainedWeights<T> {
  const each = Object.entries(given).map(([name, rows]) => {
    const [first, second] = axesOf(name);
    const width = Array.isArray(rows[0]) ? rows[0].length : 0;
    const shape = { [first ?? ""]: rows.length, ...(second && { [second]: width }) };
    const made = engine.constant(shape, (rows as number[][]).flat());
    return [name, name === "W_enc" ? engine.arrange(made, ["feature", "d_in"]) : made];
  });
  return Object.fromEntries(each) as unknown as TrainedWeights<T>; // these names are those of the file
}

async function expectWeights<T extends Shaped>(
  engine: Engine<T>,
  got: TrainedWeights<T>,
  expected: Weights,
): Promise<void> {
  expect(Object.keys(got).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, weight] of Object.entries(got) as [string, T][]) {
    const { data } = await engine.read(engine.arrange(weight, axesOf(name)));
    expect(Array.from(data), name).toBeNear((expected[name] as number[][]).flat(), {
      rtol: 1e-9,
      atol: 1e-9,
    });
  }
}

const auxiliary = { weight: 1 / 32, k: 3 };
const LOSSES: Readonly<Record<string, Loss>> = {
  l1_unit_decoder: { kind: "l1", coefficient: 0.3, decoderNorms: false },
  l1_decoder_norm: { kind: "l1", coefficient: 0.3, decoderNorms: true },
  topk_auxk: { kind: "topk", k: 3, auxiliary },
  batchtopk: { kind: "batchtopk", k: 3 },
  jumprelu_step: { kind: "jumprelu", coefficient: 0.2, bandwidth: 0.5 },
  jumprelu_tanh: {
    kind: "jumprelu-tanh",
    coefficient: 0.2,
    bandwidth: 0.5,
    sharpness: 4,
    preActivation: 0.01,
  },
  gated: { kind: "gated", coefficient: 0.3 },
  skip_transcoder_l1: { kind: "l1", coefficient: 0.3, decoderNorms: true },
};
const UNSUBTRACTED = ["jumprelu_step", "jumprelu_tanh", "skip_transcoder_l1"];

describeWithFixtures("one step of training", (fixtures) => {
  const file = fixtures.path("fixtures/dictionaries/training/step.json");
  const steps = JSON.parse(readFileSync(file, "utf8")) as Steps;

  let cpu: Cpu | undefined;
  beforeAll(async () => {
    cpu = await createCpu({ precision: "f64", threads: 1 });
  });
  afterAll(async () => await cpu?.close());

  test("the file has the losses that are tested", () => {
    expect(Object.keys(steps.cases).sort()).toEqual(Object.keys(LOSSES).sort());
  });

  test.each(
    Object.keys(LOSSES).flatMap((name) => [
      ["reference", name],
      ["cpu", name],
    ]),
  )("on %s: %s", async (on, name) => {
    const check = async <T extends Shaped>(engine: Engine<T>): Promise<void> => {
      const expected = steps.cases[name];
      const loss = LOSSES[name];
      if (expected === undefined || loss === undefined) throw new Error(`no case ${name}`);
      const objective: Objective = {
        loss,
        subtractsBias: !UNSUBTRACTED.includes(name),
        unitDecoder: name === "l1_unit_decoder",
      };
      const matrix = (rows: Steps["x"], axis: string): T =>
        engine.constant({ row: rows.length, [axis]: rows[0]?.length ?? 0 }, rows.flat());
      const input = matrix(steps.x, "d_in");
      const rows = {
        input,
        target:
          name === "skip_transcoder_l1"
            ? matrix(steps.y, "d_out")
            : engine.rename(input, { d_in: "d_out" }),
      };
      const weights = weightsOf(engine, expected.params);
      const dead = Int32Array.from(steps.dead);
      const got = await lossAndGradients(engine, weights, objective, rows, dead);
      const { pre_act, ...others } = expected.losses;
      const named = { ...others, ...(pre_act !== undefined && { preActivation: pre_act }) };
      expect(Object.keys(got.losses).sort()).toEqual(Object.keys(named).sort());
      for (const [part, value] of Object.entries(named)) {
        expect(got.losses[part], part).toBeNear(value, { rtol: 1e-9, atol: 1e-9 });
      }
      expect(got.loss).toBeNear(expected.total, { rtol: 1e-9, atol: 1e-9 });
      if (expected.min_kept !== undefined) expect(got.smallestKept).toBe(expected.min_kept);
      await expectWeights(engine, got.gradients, expected.grad);

      const before: TrainingState<T> = {
        ...freshState(engine, weights),
        threshold: expected.threshold_before ?? 0,
      };
      const { state } = await trainingStep(engine, before, objective, rows, { rate: 1e-3, dead });
      await expectWeights(engine, state.weights, expected.after_adam);
      if (expected.threshold_after !== undefined)
        expect(state.threshold).toBeNear(expected.threshold_after, { rtol: 1e-12, atol: 0 });
    };
    if (on === "reference") await check(reference);
    else if (cpu !== undefined) await check(cpu);
  });
});
