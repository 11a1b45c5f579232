import { type Cpu, createCpu } from "@resolvent/cpu";
import { describeWithFixtures, type Fixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMergeModel } from "../src/index.ts";
import {
  combineModels,
  comparePaths,
  compareTensors,
  crossTaskLinearity,
  degreeLinearity,
  linearPath,
  lossBarrier,
  lossGrid,
  meanLoss,
  readWeights,
  storedPath,
} from "../src/measure/index.ts";
import { slerp } from "../src/methods/index.ts";

/** A model in the memory of the engine. */
type OnCpu = Awaited<ReturnType<typeof loadModel<ReturnType<Cpu["fill"]>>>>;

const near = { rtol: 1e-8, atol: 1e-10 };

interface GoldenPath {
  readonly alphas: readonly number[];
  readonly losses: readonly number[];
  readonly excess: readonly number[];
  readonly barrier: number;
  readonly at: number;
  readonly above_worse_end: number;
}

interface GoldenBarrier {
  readonly corpus: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly losses: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly paths: Readonly<Record<string, GoldenPath>>;
  readonly grid: { readonly u: number[]; readonly v: number[]; readonly losses: number[][] };
}

interface GoldenDelta {
  readonly sign_conflict: number | null;
  readonly sign_conflict_weighted: number | null;
  readonly both_changed: number;
  readonly cos_weights: number;
  readonly angle_weights: number;
  readonly cos_task: number;
  readonly angle_task: number;
  readonly norm_task_a: number;
  readonly norm_task_b: number;
  readonly norm_ratio: number;
  readonly slerp_is_linear: boolean;
}

interface GoldenActivation {
  readonly cosine: number;
  readonly relative_error: number;
  readonly cosine_between_models: number;
}

interface GoldenMerge {
  readonly first: string;
  readonly second: string;
  readonly alpha: number;
}

interface GoldenFeatures {
  readonly sequences: readonly (readonly number[])[];
  readonly merges: Readonly<
    Record<
      string,
      GoldenMerge & {
        readonly sites: readonly {
          readonly site: string;
          readonly stream: GoldenActivation;
          readonly write?: GoldenActivation;
        }[];
      }
    >
  >;
}

interface GoldenSpectrum {
  readonly degrees: readonly {
    readonly norm_merge: number;
    readonly norm_mean: number;
    readonly norm_a: number;
    readonly norm_b: number;
    readonly difference: number;
    readonly cosine: number;
  }[];
}

interface GoldenDegrees {
  readonly merges: Readonly<
    Record<
      string,
      GoldenMerge & {
        readonly sequences: readonly {
          readonly ids: readonly number[];
          readonly T_norm: readonly number[];
          readonly T_relative_error: number;
          readonly truncated: GoldenSpectrum;
          readonly frozen: GoldenSpectrum;
        }[];
      }
    >
  >;
}

interface GoldenPaths {
  readonly ids: readonly number[];
  readonly a: number;
  readonly b: number;
  readonly alpha: number;
  readonly models: Readonly<
    Record<
      string,
      {
        readonly total: number;
        readonly constant: number;
        readonly values: Readonly<Record<string, number>>;
      }
    >
  >;
  readonly flips: readonly string[];
}

describeWithFixtures("measures of merges of the trained models", (fixtures) => {
  let cpu: Cpu;
  beforeAll(async () => {
    cpu = await createCpu({ precision: "f64", threads: 1 });
  });
  afterAll(() => cpu.close());
  const loaded = new Map<string, Promise<OnCpu>>();
  const folder = (name: string) =>
    folderOf(fixtures.path(`fixtures/merging/trained/llama-${name}`));
  const model = (name: string): Promise<OnCpu> => {
    const found = loaded.get(name) ?? loadModel(cpu, folder(name), { hash: false });
    loaded.set(name, found);
    return found;
  };
  const stored = async (name: string) => openMergeModel(folder(name));
  const merged = async ({ first: a, second: b, alpha }: GoldenMerge) => {
    const [first, second] = [await model(a), await model(b)];
    const parts = [
      { model: first, factor: 1 - alpha },
      { model: second, factor: alpha },
    ];
    return { first, second, merge: combineModels(cpu, parts), alpha };
  };

  test("losses, and the barrier along straight paths, slerp, and a path of one model permuted", async () => {
    const golden = read<GoldenBarrier>(fixtures, "merge-barrier");
    const rows = Object.values(golden.corpus).flat();
    for (const [name, losses] of Object.entries(golden.losses)) {
      expect(await meanLoss(cpu, await model(name), rows)).toBeNear(losses.all ?? Number.NaN, near);
    }
    const [a, b] = [await readWeights(await stored("a")), await readWeights(await stored("b"))];
    const straight = async (first: string, second: string) =>
      linearPath(cpu, await model(first), await model(second));
    const paths = {
      a_b: await straight("a", "b"),
      base_other: await straight("base", "other"),
      a_b_permuted: await straight("a", "b-permuted"),
      a_b_slerp: storedPath(cpu, a, b, slerp),
    };
    for (const [name, path] of Object.entries(paths)) {
      const want = golden.paths[name] as GoldenPath; // one of the file's
      await lossBarrier(cpu, path, [[0, 1]], { alphas: [0, 1] }); // engines keep tables of rotations
      const before = cpu.memory.used;
      const found = await lossBarrier(cpu, path, rows, { alphas: want.alphas });
      expect(cpu.memory.used).toBe(before); // no model of a path is kept
      expect(found.points.map(({ loss }) => loss)).toBeNear(want.losses, near);
      expect(found.points.map(({ excess }) => excess)).toBeNear(want.excess, near);
      expect(found.barrier).toBeNear(want.barrier, near);
      expect(found.at).toBe(want.at);
      expect(found.aboveWorseEnd).toBeNear(want.above_worse_end, near);
    }
  });

  test("losses over the grid of two task vectors", async () => {
    const { corpus, grid } = read<GoldenBarrier>(fixtures, "merge-barrier");
    const models = { base: await model("base"), first: await model("a"), second: await model("b") };
    const { losses } = await lossGrid(cpu, models, Object.values(corpus).flat(), grid);
    expect(losses.flat()).toBeNear(grid.losses.flat(), near);
  });

  test("sign conflict, angles and norm ratios by tensor", async () => {
    const golden = read<{
      readonly tensors: Readonly<Record<string, GoldenDelta>>;
      readonly unrelated: Readonly<Record<string, GoldenDelta>>;
    }>(fixtures, "merge-tensors");
    const base = await stored("base");
    const found = await compareTensors(await stored("a"), await stored("b"), { base });
    expect(found.map(({ name }) => name).sort()).toEqual(Object.keys(golden.tensors).sort());
    for (const { name, deltas, ...weights } of found) {
      const want = golden.tensors[name] as GoldenDelta; // the names are the same
      expect(weights.slerpIsLinear).toBe(want.slerp_is_linear);
      expect(deltas?.bothChanged).toBe(want.both_changed);
      const numbers = [
        ...[weights.cosine, weights.angle, deltas?.cosine, deltas?.angle, deltas?.normRatio],
        ...[
          deltas?.normFirst,
          deltas?.normSecond,
          deltas?.signConflict,
          deltas?.signConflictWeighted,
        ],
      ];
      const expected = [
        ...[want.cos_weights, want.angle_weights, want.cos_task, want.angle_task, want.norm_ratio],
        ...[want.norm_task_a, want.norm_task_b, want.sign_conflict, want.sign_conflict_weighted],
      ];
      expect(numbers.map((n) => n ?? Number.NaN)).toBeNear(
        expected.map((n) => n ?? Number.NaN),
        { of: "each", ...near },
      );
    }
    const unrelated = await compareTensors(base, await stored("other"));
    for (const { name, cosine, angle, slerpIsLinear, deltas } of unrelated) {
      const want = golden.unrelated[name] as GoldenDelta; // likewise
      expect([cosine, angle].map((n) => n ?? Number.NaN)).toBeNear(
        [want.cos_weights, want.angle_weights],
        near,
      );
      expect({ slerpIsLinear, deltas }).toEqual({
        slerpIsLinear: want.slerp_is_linear,
        deltas: null,
      });
    }
  });

  test("cross-task linearity by block", async () => {
    const golden = read<GoldenFeatures>(fixtures, "merge-features");
    for (const { sites, ...merge } of Object.values(golden.merges)) {
      const found = await crossTaskLinearity(cpu, await merged(merge), golden.sequences);
      const numbers = [
        found.embed,
        ...found.blocks.flatMap(({ stream, write }) => [stream, write]),
        found.logits,
      ].flatMap(({ cosine, relativeError, between }) => [cosine, relativeError, between]);
      const expected = sites
        .flatMap(({ stream, write }) => (write === undefined ? [stream] : [stream, write]))
        .flatMap((one) => [one.cosine, one.relative_error, one.cosine_between_models]);
      expect(found.blocks.map(({ block }) => block)).toEqual(
        sites.slice(1, -1).map(({ site }) => site),
      );
      expect(numbers.map((n) => n ?? Number.NaN)).toBeNear(expected, { of: "each", ...near });
    }
  });

  test("the degree spectrum of the merge against the merge of the spectra", async () => {
    const golden = read<GoldenDegrees>(fixtures, "merge-degrees");
    for (const { sequences, ...merge } of Object.values(golden.merges)) {
      const models = await merged(merge);
      for (const { ids, truncated, frozen, T_norm, T_relative_error } of sequences) {
        for (const [want, options] of [
          [truncated, { freeze: [] }],
          [frozen, {}],
        ] as const) {
          const found = await degreeLinearity(cpu, models, ids, options);
          expect(found.remainder).toBe(null);
          const numbers = found.degrees.flatMap((one) => [
            ...[one.norm, one.expectedNorm, one.firstNorm, one.secondNorm],
            ...[one.relativeDifference, one.cosine],
          ]);
          const expected = want.degrees.flatMap((one) => [
            ...[one.norm_merge, one.norm_mean, one.norm_a, one.norm_b, one.difference, one.cosine],
          ]);
          expect(numbers.map((n) => n ?? Number.NaN)).toBeNear(expected, { of: "each", ...near });
          const { total, relativeError } = found;
          expect([total.firstNorm, total.secondNorm, total.norm]).toBeNear(T_norm, near);
          expect(total.relativeDifference ?? Number.NaN).toBeNear(T_relative_error, near);
          for (const error of Object.values(relativeError)) expect(error).toBeLessThan(1e-14);
        }
      }
    }
  });

  test("the same paths in two models and their merge, also those that are not among a model's largest", async () => {
    const golden = read<GoldenPaths>(fixtures, "merge-paths");
    const { alpha, ids, a, b } = golden;
    const { first, second, merge } = await merged({ first: "a", second: "b", alpha });
    const value = (model: string, path: string) => golden.models[model]?.values[path] ?? Number.NaN;
    const all = Object.keys(golden.models.a?.values ?? {});
    // With few from each model, most effects come from carrying the path through, not from the list.
    for (const top of [100, 3]) {
      const options = { target: { a, b }, top, merge: { model: merge, alpha } };
      const found = await comparePaths(cpu, first, second, ids, options);
      for (const [name, sums] of [
        ["a", found.first],
        ["b", found.second],
        ["merge", found.merge],
      ] as const) {
        const want = golden.models[name];
        const numbers = [sums?.total ?? Number.NaN, sums?.constant ?? Number.NaN];
        expect(numbers).toBeNear([want?.total ?? 0, want?.constant ?? 0], near);
      }
      for (const path of found.paths) {
        const key = [path.source, ...path.nodes].join(" > ");
        const [x, y, m] = [value("a", key), value("b", key), value("merge", key)];
        const numbers = [path.first, path.second, path.merge?.effect, path.merge?.expected];
        expect(numbers.map((n) => n ?? Number.NaN)).toBeNear(
          [x, y, m, (1 - alpha) * x + alpha * y],
          { of: "each", ...near },
        );
        expect(path.text).toBe(`${key.replaceAll(" > ", " → ")} → logit "6" − "4"`);
        expect(path.change).toBe(x * y < 0 ? "flips" : "kept");
      }
      expect(found.paths.filter(({ merge }) => merge?.change === "flips")).toEqual(golden.flips);
      if (top === 100) expect(found.paths).toHaveLength(all.length);
      else expect(found.paths.length).toBeLessThan(all.length);
    }
    // At 0.02 of the largest effect, 0.076 in one model and 0.067 in the other.
    const far = { target: { a, b }, threshold: 0.02 };
    const { paths } = await comparePaths(cpu, first, second, ids, far);
    const changed = paths.filter(({ change }) => change !== "kept");
    expect(
      Object.fromEntries(changed.map(({ nodes, change }) => [nodes.join(" "), change])),
    ).toEqual({
      "L0.attn L0.mlp L1.mlp": "vanishes",
      "L0.attn L1.attn": "flips",
      "L0.mlp": "appears",
      "L0.mlp L1.attn L1.mlp": "flips",
    });
  });
});

function read<G>(fixtures: Fixtures, name: string): G {
  return fixtures.golden<G>(name);
}
