import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeWithFixtures, type Fixtures } from "@resolvent/testkit";
import { expect, test } from "vitest";
import { temporaryFolder } from "./models.ts";
import { json, resolvent } from "./program.ts";

const near = { rtol: 1e-8, atol: 1e-10 };
const folder = temporaryFolder();

interface GoldenBarrier {
  readonly corpus: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly paths: Readonly<Record<string, GoldenPath>>;
  readonly grid: { readonly u: number[]; readonly v: number[]; readonly losses: number[][] };
}

interface GoldenPath {
  readonly losses: readonly number[];
  readonly excess: readonly number[];
  readonly barrier: number;
  readonly at: number;
  readonly above_worse_end: number;
  readonly objective?: readonly [number, number];
}

interface Barrier {
  readonly kind: string;
  readonly points: readonly { alpha: number; loss: number; excess: number }[];
  readonly barrier: number;
  readonly at: number;
  readonly aboveWorseEnd: number;
  readonly grid: { readonly losses: readonly (readonly number[])[] } | null;
}

interface GoldenDelta {
  readonly sign_conflict: number;
  readonly sign_conflict_weighted: number;
  readonly angle_weights: number;
  readonly angle_task: number;
  readonly norm_ratio: number;
  readonly slerp_is_linear: boolean;
}

interface GoldenActivation {
  readonly cosine: number;
  readonly relative_error: number;
  readonly cosine_between_models: number;
}

interface GoldenSpectrum {
  readonly degrees: readonly {
    readonly norm_merge: number;
    readonly difference: number;
    readonly cosine: number;
  }[];
}

interface Activation {
  readonly cosine: number;
  readonly relativeError: number;
  readonly between: number;
  readonly apart: number;
}

interface Degree {
  readonly degree: number;
  readonly relativeDifference: number;
  readonly cosine: number;
  readonly between: number;
  readonly norm: number;
}

interface Comparison {
  readonly kind: string;
  readonly tensors: readonly {
    readonly name: string;
    readonly angle: number;
    readonly normRatio: number;
    readonly signConflict: number;
    readonly signConflictWeighted: number;
    readonly weights: { readonly angle: number };
    readonly slerpIsLinear: boolean;
  }[];
  readonly embed: Activation;
  readonly blocks: readonly (Activation & {
    readonly block: string;
    readonly write: Activation;
  })[];
  readonly logits: Activation;
  readonly degrees: { readonly tree: readonly Degree[]; readonly paths: readonly Degree[] };
  readonly paths: readonly {
    readonly source: string;
    readonly nodes: readonly string[];
    readonly first: number;
    readonly second: number;
    readonly change: string;
    readonly merge: { readonly effect: number };
  }[];
  readonly certificate: { readonly relativeError: number; readonly verdict: string };
}

interface Alignment {
  readonly stages: readonly { readonly stage: string; readonly objective: readonly number[] }[];
  readonly exactness: { readonly certificate: { readonly relativeError: number } };
  readonly barrier: { readonly unaligned: Barrier; readonly aligned: Barrier };
}

const alone = ["--precision", "f64", "--threads", "1"];

describeWithFixtures("measures of merges by the command", (fixtures) => {
  const model = (name: string): string => fixtures.path(`fixtures/merging/trained/llama-${name}`);
  const corpus = async (golden: Pick<GoldenBarrier, "corpus">): Promise<string> => {
    const file = join(folder, "ids.json");
    await writeFile(file, JSON.stringify(Object.values(golden.corpus).flat()));
    return file;
  };

  test("barrier: straight, by slerp, and over a grid of task vectors", async () => {
    const golden = read<GoldenBarrier>(fixtures, "merge-barrier");
    const ids = ["--tokens-file", await corpus(golden), ...alone];
    const more = ["--base", model("base"), "--grid", String(golden.grid.u.length)];
    const runs = {
      a_b: await json<Barrier>(["barrier", model("a"), model("b"), ...ids, ...more]),
      a_b_slerp: await json<Barrier>([
        ...["barrier", model("a"), model("b"), ...ids, "--method", "slerp"],
      ]),
      base_other: await json<Barrier>(["barrier", model("base"), model("other"), ...ids]),
    };
    for (const [name, found] of Object.entries(runs)) {
      const want = golden.paths[name] as GoldenPath; // one of the file's
      expectPath(found, want);
      expect(found.kind).toBe("barrier");
      expect(found.aboveWorseEnd).toBeNear(want.above_worse_end, near);
    }
    expect(runs.a_b.grid?.losses.flat()).toBeNear(golden.grid.losses.flat(), near);
    expect(runs.base_other.grid).toBe(null);
  });

  test("compare: tensors, blocks on a corpus, degrees and paths on a prompt", async () => {
    const tensors = read<{ readonly tensors: Readonly<Record<string, GoldenDelta>> }>(
      ...([fixtures, "merge-tensors"] as const),
    ).tensors;
    const features = read<{
      readonly sequences: readonly (readonly number[])[];
      readonly merges: Readonly<
        Record<
          string,
          {
            readonly sites: readonly {
              readonly site: string;
              readonly stream: GoldenActivation;
              readonly write?: GoldenActivation;
            }[];
          }
        >
      >;
    }>(fixtures, "merge-features");
    const { ids, a, b, models } = read<{
      readonly ids: readonly number[];
      readonly a: number;
      readonly b: number;
      readonly models: Readonly<Record<string, { values: Readonly<Record<string, number>> }>>;
    }>(fixtures, "merge-paths");
    const file = join(folder, "rows.txt");
    await writeFile(file, features.sequences.map((row) => row.join(",")).join("\n"));
    const found = await json<Comparison>([
      ...["compare", model("a"), model("b"), "--base", model("base"), "--tokens", ids.join(",")],
      ...["--tokens-file", file, "--target", `id:${a},id:${b}`, "--top", "100", ...alone],
    ]);
    expect(found.kind).toBe("comparison");
    expect(found.certificate.relativeError).toBeLessThan(1e-13);
    expect(found.tensors).toHaveLength(Object.keys(tensors).length);
    for (const { name, weights, slerpIsLinear, ...own } of found.tensors) {
      const want = tensors[name] as GoldenDelta; // the names are the same
      expect(slerpIsLinear).toBe(want.slerp_is_linear);
      expect([
        ...[own.angle, own.normRatio, own.signConflict, own.signConflictWeighted, weights.angle],
      ]).toBeNear(
        [
          ...[want.angle_task, want.norm_ratio, want.sign_conflict, want.sign_conflict_weighted],
          want.angle_weights,
        ],
        { of: "each", ...near },
      );
    }
    const numbers = [
      found.embed,
      ...found.blocks.flatMap(({ write, ...stream }) => [stream, write]),
      found.logits,
    ].flatMap(({ cosine, relativeError, between }) => [cosine, relativeError, between]);
    const expected = (features.merges.a_b?.sites ?? [])
      .flatMap(({ stream, write }) => (write === undefined ? [stream] : [stream, write]))
      .flatMap((one) => [one.cosine, one.relative_error, one.cosine_between_models]);
    expect(numbers).toBeNear(expected, { of: "each", ...near });
    const { a: inA, b: inB, merge: inMerge } = models;
    expect(found.paths).toHaveLength(Object.keys(inA?.values ?? {}).length);
    for (const { source, nodes, first, second, change, merge } of found.paths) {
      const key = [source, ...nodes].join(" > ");
      const [x = 0, y = 0, m = 0] = [inA, inB, inMerge].map((one) => one?.values[key]);
      expect([first, second, merge.effect]).toBeNear([x, y, m], { of: "each", ...near });
      expect(change).toBe(x * y < 0 ? "flips" : "kept");
    }
  });

  test("compare: degrees of merges at several alphas, of relatives and of strangers", async () => {
    const golden = read<{
      readonly merges: Readonly<
        Record<
          string,
          {
            readonly first: string;
            readonly second: string;
            readonly alpha: number;
            readonly sequences: readonly {
              readonly ids: readonly number[];
              readonly truncated: GoldenSpectrum;
              readonly frozen: GoldenSpectrum;
            }[];
          }
        >
      >;
    }>(fixtures, "merge-degrees");
    for (const { first, second, alpha, sequences } of Object.values(golden.merges)) {
      const [sequence] = sequences;
      const { degrees } = await json<Comparison>([
        ...["compare", model(first), model(second), "--alpha", String(alpha), ...alone],
        ...["--tokens", sequence?.ids.join(",") ?? "", "--top", "1"],
      ]);
      for (const [got, want] of [
        [degrees.tree, sequence?.truncated],
        [degrees.paths, sequence?.frozen],
      ] as const) {
        expect(
          got.flatMap(({ relativeDifference, cosine, norm }) => [relativeDifference, cosine, norm]),
        ).toBeNear(
          (want?.degrees ?? []).flatMap((one) => [one.difference, one.cosine, one.norm_merge]),
          { of: "each", ...near },
        );
      }
    }
  });

  test("align: a permuted copy comes back, and strangers gain little", async () => {
    const golden = read<GoldenBarrier>(fixtures, "merge-barrier");
    const ids = ["--tokens-file", await corpus(golden), ...alone];
    for (const [first, second, before, after] of [
      ["a", "b-permuted", "a_b_permuted", "a_b_permuted_aligned"],
      ["base", "other", "base_other", "base_other_aligned"],
    ] as const) {
      const found = await json<Alignment>(["align", model(first), model(second), ...ids]);
      expectPath(found.barrier.unaligned, golden.paths[before] as GoldenPath);
      expectPath(found.barrier.aligned, golden.paths[after] as GoldenPath);
      const [stage] = found.stages;
      const { objective } = golden.paths[after] as GoldenPath;
      if (objective !== undefined) {
        expect([stage?.objective[0], stage?.objective.at(-1)].map(Number)).toBeNear(
          objective,
          near,
        );
      }
      expect(found.exactness.certificate.relativeError).toBeLessThan(1e-13);
    }
  });

  test("align: rotations too; what is written computes the same, and is not written over anything", async () => {
    const out = join(folder, "aligned");
    const args = ["align", model("base"), model("other"), "--rotations", "--dtype", "F64"];
    const ran = await resolvent([...args, "--out", out, ...alone, "--json"]);
    expect(ran.stderr).toMatch(/aligned will take/);
    const found: Alignment = JSON.parse(ran.stdout);
    expect(found.stages.map(({ stage }) => stage)).toEqual(["permutation", "rotation"]);
    expect(found.exactness.certificate.relativeError).toBeLessThan(1e-12);
    const again = await resolvent([...args, "--out", out, ...alone]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("is there already")]);
    const { logits, blocks } = await json<Comparison>([
      ...["compare", model("other"), out, "--tokens", "1,5,9,2,7,3", ...alone],
    ]);
    expect(logits.apart).toBeLessThan(1e-12);
    // The stream is turned: what is the same is what comes out.
    expect(blocks[0]?.apart).toBeGreaterThan(0.5);
  });
});

function expectPath(found: Omit<Barrier, "grid" | "kind" | "aboveWorseEnd">, want: GoldenPath) {
  expect(found.points.map(({ loss }) => loss)).toBeNear(want.losses, near);
  expect(found.points.map(({ excess }) => excess)).toBeNear(want.excess, near);
  expect(found.barrier).toBeNear(want.barrier, near);
  expect(found.at).toBe(want.at);
}

function read<G>(fixtures: Fixtures, name: string): G {
  return fixtures.golden<G>(name);
}
