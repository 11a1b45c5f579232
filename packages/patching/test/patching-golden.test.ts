import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, describe, expect, test } from "vitest";
import { patchEffects, patchSetting } from "../src/index.ts";

/** Edge patching in the golden files; `spec.edge_patching` defines it. */
interface Golden {
  readonly edge_patching: {
    readonly clean: readonly number[];
    readonly corrupt: readonly number[];
    readonly a: number;
    readonly b: number;
    readonly target_clean: number;
    readonly target_corrupt: number;
    readonly sources: readonly string[];
    readonly receivers: readonly string[];
    readonly exact_effect: readonly (readonly (number | null)[])[];
    readonly eap: readonly (readonly (number | null)[])[];
    readonly pearson_exact_vs_eap: number;
    readonly sign_agreement: number;
    readonly mean_abs_exact: number;
    readonly mean_abs_error: number;
  };
}

const edges = patchSetting({
  kind: "edge",
  level: "block",
  reference: { kind: "run" },
  direction: "noise",
});

const started: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const engine of started) await engine.close();
});

describeWithFixtures("the golden edge patching", (fixtures) => {
  describe.each(["nano-sort-gpt2", "stories260k"])("%s", (name) => {
    const golden = fixtures.golden<Golden>(name).edge_patching;
    const pair = { clean: golden.clean, corrupt: golden.corrupt };

    async function holds<T extends Shaped>(engine: Engine<T>): Promise<void> {
      const model = await loadModel(engine, folderOf(fixtures.models(name)), { hash: false });
      const rtol = 1e-8;
      const result = await patchEffects(engine, model, [pair], edges, {
        method: "eap",
        compare: true,
      });
      expect([result.pairs[0]?.target.a?.id, result.pairs[0]?.target.b?.id]).toEqual([
        golden.a,
        golden.b,
      ]);
      expect(result.sources).toEqual(golden.sources);
      expect(result.receivers).toEqual(golden.receivers);
      expect(result.targetClean).toBeNear(golden.target_clean, { rtol });
      expect(result.targetCorrupt).toBeNear(golden.target_corrupt, { rtol });
      sameMatrix(result.effect, golden.eap, rtol);
      sameMatrix(result.comparison?.exact ?? [], golden.exact_effect, rtol);
      expect(result.comparison?.correlation).toBeNear(golden.pearson_exact_vs_eap, { rtol });
      expect(result.comparison?.meanExact).toBeNear(golden.mean_abs_exact, { rtol });
      expect(result.comparison?.meanError).toBeNear(golden.mean_abs_error, { rtol });
      expect(result.comparison?.sameSign).toBeNear(golden.sign_agreement, { rtol });
      expect(result.certificate?.relativeError).toBeLessThan(1e-12);
      // One at a time and two at a time are the same.
      const small = await patchEffects(engine, model, [pair], edges, { memory: 1 });
      sameMatrix(small.effect, golden.exact_effect, rtol);
      engine.free(model);
    }

    test("in the float64 reference", () => holds(reference));
    test("on the cpu in float64", async () => {
      const engine = await createCpu({ precision: "f64", threads: 1 });
      started.push(engine);
      await holds(engine);
    });
  });
});

function sameMatrix(
  actual: readonly (readonly (number | null)[])[],
  expected: readonly (readonly (number | null)[])[],
  rtol: number,
): void {
  const holes = (rows: readonly (readonly (number | null)[])[]): boolean[][] =>
    rows.map((row) => row.map((x) => x === null));
  expect(holes(actual)).toEqual(holes(expected));
  expect(actual.flat().filter((x) => x !== null)).toBeNear(
    expected.flat().filter((x) => x !== null),
    { rtol },
  );
}
