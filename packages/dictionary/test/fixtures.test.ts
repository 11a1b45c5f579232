import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createCpu } from "@resolvent/cpu";
import {
  type Engine,
  type InputError,
  isInputError,
  reference,
  type Shaped,
} from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import {
  type CrossLayerTranscoder,
  type Dictionary,
  decodeCrossLayer,
  encode,
  loadDictionaries,
  loadDictionary,
  outlineDictionaries,
  reconstruct,
  type SparseActivations,
} from "../src/index.ts";

type Rows = readonly (readonly number[])[];
type Acts = readonly (readonly (readonly [feature: number, value: number])[])[];

interface Expected {
  readonly x?: Rows | readonly Rows[];
  readonly acts?: Acts | readonly Acts[];
  readonly recon?: Rows | readonly Rows[];
  readonly l0?: readonly number[];
  readonly layers?: readonly { readonly acts: Acts; readonly recon: Rows }[];
  readonly norm_scaling_factor?: number;
  readonly without_factor?: { readonly acts: Acts };
  readonly may_refuse?: boolean;
  readonly refuse?: string;
  readonly d_in?: number;
  readonly d_out?: number;
  readonly d_sae?: number;
}

const exact = { rtol: 0, atol: 1e-12 };

/** Activations as the fixtures have them. */
function pairs({ rows, starts, indices, values }: SparseActivations): [number, number][][] {
  return Array.from({ length: rows }, (_, row) => {
    const [from = 0, to = 0] = [starts[row], starts[row + 1]];
    return Array.from(indices.subarray(from, to), (feature, i) => [
      feature,
      values[from + i] ?? Number.NaN,
    ]);
  });
}

function expectActs(sparse: SparseActivations, acts: Acts): void {
  const got = pairs(sparse);
  expect(got.map((row) => row.map(([feature]) => feature))).toEqual(
    acts.map((row) => row.map(([feature]) => feature)),
  );
  expect(got.flatMap((row) => row.map(([, value]) => value))).toBeNear(
    acts.flatMap((row) => row.map(([, value]) => value)),
    exact,
  );
}

const rowsOf = <T extends Shaped>(engine: Engine<T>, x: Rows): T =>
  engine.constant({ row: x.length, d_in: x[0]?.length ?? 0 }, x.flat());

async function expectLayer<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
  x: Rows,
  { acts, recon }: { readonly acts: Acts; readonly recon: Rows },
): Promise<void> {
  const input = rowsOf(engine, x);
  for (const memory of [undefined, 1]) {
    const made = await reconstruct(
      engine,
      dictionary,
      input,
      memory === undefined ? {} : { memory },
    );
    expectActs(made.activations, acts);
    const output = await engine.read(made.output);
    expect(Object.keys(output.shape)).toEqual(["row", "d_out"]);
    expect(output.data).toBeNear(recon.flat(), exact);
  }
}

async function expectCrossLayer<T extends Shaped>(
  engine: Engine<T>,
  transcoder: CrossLayerTranscoder<T>,
  {
    x,
    acts,
    recon,
  }: {
    readonly x: readonly Rows[];
    readonly acts: readonly Acts[];
    readonly recon: readonly Rows[];
  },
): Promise<void> {
  const sparse = await Promise.all(
    transcoder.layers.map((layer, i) => encode(engine, layer, rowsOf(engine, x[i] ?? []))),
  );
  for (const [i, one] of sparse.entries()) expectActs(one, acts[i] ?? []);
  const outputs = decodeCrossLayer(engine, transcoder, sparse);
  for (const [i, output] of outputs.entries()) {
    expect((await engine.read(output)).data).toBeNear((recon[i] ?? []).flat(), exact);
  }
}

/** What the fixtures say that is wrong, by the code of the error or the field that it names. */
function named(error: InputError): readonly unknown[] {
  return [error.code.split("/")[1], error.details.field, error.details.tensor];
}

describeWithFixtures("every folder of the fixtures", (fixtures) => {
  const root = fixtures.path("fixtures/dictionaries");
  const cases: readonly string[] = JSON.parse(readFileSync(join(root, "cases.json"), "utf8"));
  const expectedOf = (path: string): Expected =>
    JSON.parse(readFileSync(join(root, path, "expected.json"), "utf8"));

  test("there are as many as their README says", () => {
    expect(cases).toHaveLength(76);
    expect(cases.filter((path) => expectedOf(path).refuse !== undefined)).toHaveLength(26);
    expect(cases.every((path) => existsSync(join(root, path)))).toBe(true);
  });

  test.each(cases)("%s", async (path) => {
    const folder = folderOf(join(root, path));
    const expected = expectedOf(path);
    const cpu = await createCpu({ precision: "f64" });
    const before = cpu.memory?.used;
    if (expected.refuse !== undefined) {
      const error = await loadDictionaries(cpu, folder).catch((cause: unknown) => cause);
      expect(cpu.memory?.used).toBe(before); // nothing of it is left
      if (!isInputError(error)) throw new Error(`${path} was not refused`, { cause: error });
      expect(named(error), error.message).toContain(expected.refuse);
      return;
    }
    const factor = expected.norm_scaling_factor;
    const options = factor === undefined ? {} : { normScalingFactor: factor };
    for (const engine of [reference, cpu] as Engine<Shaped>[]) {
      const found = await loadDictionaries(engine, folder, options);
      const { x, acts, recon, layers } = expected;
      switch (found.kind) {
        case "one": {
          const { dictionary } = found;
          expect([dictionary.d_in, dictionary.d_out, dictionary.features]).toEqual([
            expected.d_in,
            expected.d_out,
            expected.d_sae,
          ]);
          await expectLayer(engine, dictionary, x as Rows, {
            acts: acts as Acts,
            recon: recon as Rows,
          });
          break;
        }
        case "per-layer":
          expect(found.layers).toHaveLength(layers?.length ?? 0);
          for (const [i, layer] of (layers ?? []).entries()) {
            await expectLayer(engine, found.layers[i] as Dictionary<Shaped>, x as Rows, layer);
          }
          break;
        case "cross-layer":
          await expectCrossLayer(engine, found.transcoder, {
            x: x as readonly Rows[],
            acts: acts as readonly Acts[],
            recon: recon as readonly Rows[],
          });
      }
    }
    const again = await loadDictionaries(cpu, folder, options);
    const full = cpu.memory?.used;
    cpu.free(again);
    expect(cpu.memory?.used).toBeLessThan(full ?? 0);
    expect(shapesIn(await outlineDictionaries(folder, options))).toEqual(shapesIn(again));
    const { used } = cpu.memory ?? {};
    cpu.free(await loadDictionaries(cpu, folder, options));
    expect(cpu.memory?.used).toBe(used); // all of it is reachable
    if (expected.without_factor === undefined) return;
    const dictionary = await loadDictionary(reference, folder);
    expect(dictionary.warnings.map(({ code }) => code)).toContain("norm-scaling-factor");
    expectActs(
      await encode(reference, dictionary, rowsOf(reference, x(expected))),
      expected.without_factor.acts,
    );
  });
});

/** The shapes of all tensors of what was found, by where they stand in it. */
function shapesIn(found: unknown, path = ""): readonly string[] {
  if (typeof found !== "object" || found === null) return [];
  if ("shape" in found) return [`${path}: ${JSON.stringify(found.shape)}`];
  return Object.entries(found).flatMap(([key, part]) => shapesIn(part, `${path}.${key}`));
}

function x(expected: Expected): Rows {
  return expected.x as Rows;
}
