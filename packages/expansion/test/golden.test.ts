import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { type Model, tokenIds } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anatomyOf, degreeTerms, measureTerms } from "../src/index.ts";
import {
  type FreezeSet,
  freezeSets,
  type GoldenModel,
  goldenModels,
  loadGolden,
  normOf,
  rowsOf,
} from "./golden.ts";

/** How near an engine has to come. */
interface Accuracy {
  /** Relative to the largest of a list. */
  readonly rtol: number;
  /** Of a term's numbers, relative to `‖T‖`; the last degrees are tiny. */
  readonly term: number;
  /** `‖Σ terms + remainder − T‖ / ‖T‖` at most. */
  readonly certificate: number;
}

const float64: Accuracy = { rtol: 1e-9, term: 1e-12, certificate: 1e-12 };
const float32: Accuracy = { rtol: 1e-4, term: 1e-5, certificate: 1e-5 };

describeWithFixtures("the golden degree expansions", (fixtures) => {
  agrees("in the float64 reference", async () => reference, float64);
  agrees("on the cpu in float64", () => cpu("f64"), float64);
  agrees("on the cpu in float32", () => cpu("f32"), float32);

  function agrees<T extends Shaped>(
    title: string,
    start: () => Promise<Engine<T>>,
    accuracy: Accuracy,
  ): void {
    describe.each(goldenModels)(`${title}: %s`, (name) => {
      const { prompts } = fixtures.golden<GoldenModel>(name);
      let engine: Engine<T>;
      let model: Model<T>;
      beforeAll(async () => {
        engine = await start();
        model = await loadGolden(engine, fixtures, name);
      });
      afterAll(() => engine.free(model));
      describe.each(prompts.map((prompt, i) => [i, prompt] as const))("prompt %i", (_, prompt) => {
        test("the run", () => matchesRun(engine, model, prompt, accuracy));
        for (const set of Object.keys(freezeSets) as FreezeSet[]) {
          test(`${set} by the tree`, () => matches(engine, model, prompt, set, "tree", accuracy));
        }
        test("frozen by the sweep", () =>
          matches(engine, model, prompt, "frozen", "sweep", accuracy));
      });
    });
  }
});

const started: { close(): Promise<void> }[] = [];

async function cpu(precision: "f32" | "f64"): ReturnType<typeof createCpu> {
  const engine = await createCpu({ precision, threads: 1 });
  started.push(engine);
  return engine;
}
afterAll(async () => {
  for (const engine of started) await engine.close();
});

type Prompt = GoldenModel["prompts"][number];

async function matchesRun<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  golden: Prompt,
  { rtol }: Accuracy,
): Promise<void> {
  const anatomy = anatomyOf(engine, model, tokenIds(golden.ids), []);
  const norm = async (a: T): Promise<number> => normOf((await engine.read(a)).data);
  expect(await norm(anatomy.embedding)).toBeNear(golden.x0_norm, { rtol });
  expect(await norm(anatomy.residual)).toBeNear(golden.T_norm, { rtol });
  const writes = await Promise.all([...anatomy.writes.values()].map(norm));
  expect(writes).toBeNear(golden.block_output_norm, { rtol });
  const last = (await rowsOf(engine, anatomy.residual, ["pos"])).at(-1);
  expect(last?.slice(0, 5)).toBeNear(golden.last_row_T_first5, { rtol });
  engine.free(anatomy);
}

async function matches<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  golden: Prompt,
  set: FreezeSet,
  method: "tree" | "sweep",
  { rtol, term, certificate }: Accuracy,
): Promise<void> {
  const ids = tokenIds(golden.ids);
  const degree = golden.degree[set];
  const sum = degreeTerms(engine, model, ids, { freeze: freezeSets[set], method });
  expect(sum.remainder).toBeUndefined();

  const { degrees, residualNorm, relativeError } = await measureTerms(engine, model, ids, sum);
  expect(relativeError).toBeLessThan(certificate);
  expect(residualNorm).toBeNear(golden.T_norm, { rtol });
  const atol = term * golden.T_norm;
  const norms = degrees.map((d) => d.norm);
  // Each degree by itself: the golden numbers carry 12 digits.
  const each = { of: "each", rtol: rtol / 10, atol } as const;
  expect(norms).toBeNear(degree.D_norm, each);
  if (degree.DP_norm) expect(norms).toBeNear(degree.DP_norm, each);
  expect(degrees.map((d) => d.logitShare)).toBeNear(degree.share, { rtol });
  const frozen = degrees.map((d) => d.frozenNorm);
  const live = degrees.map((d) => d.recomputedNorm);
  expect(frozen.map((p) => p.kl)).toBeNear(degree.kl_final_frozen, { rtol });
  expect(live.map((p) => p.kl)).toBeNear(degree.kl_final_live, { rtol });
  expect(frozen.map((p) => p.top1)).toBeNear(degree.top1_final_frozen);
  expect(live.map((p) => p.top1)).toBeNear(degree.top1_final_live);

  const residual = (await rowsOf(engine, sum.residual, ["pos"])).flat();
  const positions = golden.ids.length;
  const partials = await rowsOf(engine, sum.partials, ["degree", "pos"]);
  const missing = degrees.map((_, k) => {
    const partial = partials.slice(k * positions, (k + 1) * positions).flat();
    return normOf(partial.map((x, i) => x - (residual[i] ?? Number.NaN))) / residualNorm;
  });
  expect(missing).toBeNear(degree.relerr_T, { rtol });

  const rows = await rowsOf(engine, sum.terms, ["degree", "pos"]);
  const lastRows = degrees.map((_, k) => rows[(k + 1) * positions - 1] ?? []);
  expect(lastRows.map(normOf)).toBeNear(degree.D_last_row_norm, each);
  expect(lastRows.map((row) => row.slice(0, 3))).toBeNear(degree.D_last_row_first3, each);
  engine.free(sum);
}
