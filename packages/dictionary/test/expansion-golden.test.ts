import { createCpu } from "@resolvent/cpu";
import { expandScore } from "@resolvent/expansion";
import { effects, logitReadout, type SourceEffect, verify } from "@resolvent/paths";
import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { loadModel, stageOfLayer } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import {
  type DictionaryRun,
  featureReadout,
  loadDictionaries,
  loadDictionary,
  scoreParts,
  sourceStreams,
  verifyFeature,
  virtualLogits,
  virtualWeights,
  withCrossLayer,
  withDictionaries,
} from "../src/index.ts";

type ByKind = Readonly<Record<string, readonly number[]>>;

interface Golden {
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly sources: {
      readonly target: { readonly a: number; readonly b: number; readonly const: number };
      readonly by_kind: ByKind;
      readonly n_features: number;
      readonly sum_abs_features: number;
      readonly effects: readonly (readonly [number, number, number, readonly number[]])[];
      readonly verify: readonly Checked[];
      readonly D: Streams;
    };
    readonly feature_to_feature?: readonly {
      readonly block: string;
      readonly position: number;
      readonly feature: number;
      readonly pre: number;
      readonly by_kind: ByKind;
      readonly constant: number;
      readonly top_sources: readonly (readonly [number, number, readonly number[]])[];
      readonly verify: Checked;
    }[];
    readonly qk?: {
      readonly layer: number;
      readonly head: number;
      readonly query: number;
      readonly key: number;
      readonly probability: number;
      readonly score: number;
      readonly query_sources: readonly string[];
      readonly key_sources: readonly string[];
      readonly matrix: readonly (readonly number[])[];
    };
    readonly replaced?: Streams;
    readonly replaced_target_by_kind?: ByKind;
  }[];
  readonly virtual?: {
    readonly direct_frobenius: number;
    readonly direct_4x4: readonly (readonly number[])[];
    readonly direct_top: readonly (readonly [number, number, number])[];
    readonly through_head_frobenius: readonly number[];
    readonly logits: readonly {
      readonly feature: number;
      readonly promoted: readonly (readonly [number, number])[];
      readonly suppressed: readonly (readonly [number, number])[];
    }[];
  };
}

/** Of every kind, by degree: the norm over all positions, and what the last position begins with. */
type Streams = Readonly<
  Record<
    string,
    { readonly norm: readonly number[]; readonly last_first3: readonly (readonly number[])[] }
  >
>;

interface Checked {
  readonly feature: number;
  readonly position: number;
  readonly predicted: number;
  readonly frozen: number;
  readonly live: number;
}

const near = { rtol: 1e-8, atol: 1e-10 };
const rounding = { rtol: 1e-10, atol: 1e-12 };
const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Sums by degree of the sources of a kind, to the length of what they are held against. */
function byKind(rows: readonly SourceEffect[], ends: (name: string) => boolean, length: number) {
  const own = rows.filter(({ name }) => ends(name));
  return Array.from({ length }, (_, k) => total(own.map(({ byDegree }) => byDegree[k] ?? 0)));
}

const isFeature = (name: string): boolean => /\.F\d+$/.test(name);
const kinds: Readonly<Record<string, (name: string) => boolean>> = {
  feature: isFeature,
  embed: (name) => name === "embed",
  bias: (name) => name.startsWith("bias:"),
  ...Object.fromEntries(
    ["b_dec", "b_enc", "error"].map((end) => [end, (name: string) => name.endsWith(`.${end}`)]),
  ),
};

function expectKinds(rows: readonly SourceEffect[], golden: ByKind): void {
  for (const [kind, sums] of Object.entries(golden)) {
    const ends = kinds[kind];
    if (ends === undefined) throw new Error(`What is ${kind}?`);
    expect(byKind(rows, ends, sums.length), kind).toBeNear(sums, near);
  }
  const known = rows.filter(({ name }) => Object.values(kinds).some((ends) => ends(name)));
  expect(known).toHaveLength(rows.length);
}

/** The streams of all sources at the end, kind by kind. */
function expectStreams<T extends Shaped>(
  engine: SyncEngine<T>,
  made: DictionaryRun<T>,
  golden: Streams,
): void {
  const groups = sourceStreams(engine, made);
  const positions = made.run.positions;
  const width = made.model.architecture.d_model;
  for (const [kind, { norm, last_first3 }] of Object.entries(golden)) {
    const ends = kinds[kind];
    if (ends === undefined) throw new Error(`What is ${kind}?`);
    norm.forEach((expected, degree) => {
      const sum = new Float64Array(positions * width);
      for (const { names, lowest, values } of groups) {
        const { data } = engine.read(values);
        names.forEach((name, source) => {
          if (!ends(name) || degree < lowest) return;
          const from = ((degree - lowest) * names.length + source) * sum.length;
          for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (data[from + i] ?? 0);
        });
      }
      const label = `${kind} ${degree}`;
      expect(Math.hypot(...sum), label).toBeNear(expected, { rtol: 1e-8, atol: 1e-10 });
      const last = sum.subarray((positions - 1) * width).subarray(0, 3);
      expect(Array.from(last), label).toBeNear([...(last_first3[degree] ?? [])], {
        ...{ rtol: 1e-8, atol: 1e-9 },
      });
    });
  }
}

describeWithFixtures("what an independent program says of features as sources", (fixtures) => {
  const dictionaries = "fixtures/dictionaries";
  const cases = [
    ["nano-sort-gpt2", "dictionary-nano-sort", `${dictionaries}/nano-sort/mlp-1`],
    ["stories260k", "dictionary-stories260k", `${dictionaries}/stories260k/resid-2`],
  ] as const;

  test.each(cases)("%s: effects by degree, and interventions", async (name, file, folder) => {
    const cpu = await createCpu({ precision: "f64" });
    const model = await loadModel(cpu, folderOf(fixtures.models(name)));
    const sae = await loadDictionary(cpu, folderOf(fixtures.path(folder)));
    const { prompts } = fixtures.golden<Golden>(file);
    for (const { ids, sources: golden } of prompts) {
      const target = { a: golden.target.a, b: golden.target.b };
      await withDictionaries(cpu, model, ids, [sae], async (made) => {
        const { sources, run, live } = made;
        const readout = cpu.scope(() => logitReadout(cpu, made.model, run, target));
        const [found] = await effects(cpu, made.model, run, sources, [readout]);
        const rows = found?.sources ?? [];
        expect(found?.constant).toBeNear(golden.target.const, near);
        expectKinds(rows, golden.by_kind);
        expectStreams(cpu, made, golden.D);
        const active = rows.filter((row) => isFeature(row.name) && total(row.byDegree) !== 0);
        expect(active).toHaveLength(golden.n_features);
        const absolute = total(active.map(({ byDegree }) => Math.abs(total(byDegree))));
        expect(absolute).toBeNear(golden.sum_abs_features, near);
        const at = (feature: number, position: number): SourceEffect | undefined =>
          active.find((row) => row.name.endsWith(`.F${feature}`) && row.position === position);
        for (const [feature, position, , sums] of golden.effects) {
          expect(at(feature, position)?.byDegree.slice(0, sums.length)).toBeNear(sums, near);
        }
        for (const { feature, position, ...numbers } of golden.verify) {
          const source = at(feature, position);
          if (source === undefined) throw new Error(`Feature ${feature} is active there.`);
          const verdict = await verify(
            cpu,
            made.model,
            run,
            target,
            { kind: "source", source },
            { sources, live },
          );
          expect(verdict.predicted).toBeNear(numbers.predicted, near);
          expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
          expect(verdict.live).toBeNear(numbers.live, near);
        }
      });
    }
  });

  test("every MLP replaced by its transcoder", async () => {
    const cpu = await createCpu({ precision: "f64" });
    const model = await loadModel(cpu, folderOf(fixtures.models("stories260k")));
    const folder = fixtures.path(`${dictionaries}/stories260k/transcoders`);
    const set = await loadDictionaries(cpu, folderOf(folder));
    if (set.kind !== "per-layer") throw new Error(`It is ${set.kind}.`);
    const { prompts } = fixtures.golden<Golden>("dictionary-stories260k");
    for (const { ids, sources: golden, replaced, replaced_target_by_kind } of prompts) {
      const target = { a: golden.target.a, b: golden.target.b };
      await withDictionaries(cpu, model, ids, set.layers, async (made) => {
        const readout = cpu.scope(() => logitReadout(cpu, made.model, made.run, target));
        const [found] = await effects(cpu, made.model, made.run, made.sources, [readout]);
        expectKinds(found?.sources ?? [], replaced_target_by_kind ?? {});
        expectStreams(cpu, made, replaced ?? {});
      });
    }
  });

  test("a transcoder across layers, in 16 bits as it is stored and widened", async () => {
    const cpu = await createCpu({ precision: "f64", threads: 1 });
    const model = await loadModel(cpu, folderOf(fixtures.models("stories260k")));
    const folder = folderOf(fixtures.path(`${dictionaries}/stories260k/clt`));
    const [prompt] = fixtures.golden<Golden>("dictionary-stories260k").prompts;
    if (prompt === undefined) throw new Error("There is a prompt.");
    const { ids, sources: golden } = prompt;
    const target = { a: golden.target.a, b: golden.target.b };
    const taken: number[] = [];
    const found: (readonly SourceEffect[])[] = [];
    for (const widen of [true, false]) {
      const before = cpu.memory.used;
      const set = await loadDictionaries(cpu, folder, { widen });
      if (set.kind !== "cross-layer") throw new Error(`It is ${set.kind}.`);
      taken.push(cpu.memory.used - before);
      await withCrossLayer(cpu, model, ids, set.transcoder, async (made) => {
        const readout = cpu.scope(() => logitReadout(cpu, made.model, made.run, target));
        const [own] = await effects(cpu, made.model, made.run, made.sources, [readout]);
        const rows = own?.sources ?? [];
        // The same target as with an SAE of the stream, whose constant and sources are known.
        const value = total(Object.values(golden.by_kind).flat()) + golden.target.const;
        expect(total(rows.flatMap((row) => row.byDegree)) + (own?.constant ?? 0)).toBeNear(
          value,
          near,
        );
        found.push(rows);
      });
    }
    const [all = 0, stored = 0] = taken;
    expect(stored).toBeLessThan(all / 3); // float64 has four times 16 bits; vectors are widened
    const [wide, narrow] = found.map((rows) => rows.flatMap((row) => row.byDegree));
    expect(narrow).toBeNear(wide ?? [], { rtol: 1e-12, atol: 1e-12 });
  });

  test("what features of the stream give features of a transcoder, and pairs of them a score", async () => {
    const cpu = await createCpu({ precision: "f64" });
    const model = await loadModel(cpu, folderOf(fixtures.models("stories260k")));
    const root = `${dictionaries}/stories260k`;
    const sae = await loadDictionary(cpu, folderOf(fixtures.path(`${root}/resid-2`)));
    const set = await loadDictionaries(cpu, folderOf(fixtures.path(`${root}/transcoders`)));
    if (set.kind !== "per-layer") throw new Error(`It is ${set.kind}.`);
    const { prompts } = fixtures.golden<Golden>("dictionary-stories260k");
    for (const { ids, feature_to_feature: targets = [], qk } of prompts) {
      for (const { block, position, feature, ...golden } of targets) {
        const layer = Number(/\d+/.exec(block)?.[0]);
        const transcoder = set.layers[layer];
        if (transcoder === undefined) throw new Error(`There is a transcoder of ${block}.`);
        await withDictionaries(cpu, model, ids, [sae, transcoder], async (made) => {
          const place = { layer, feature, position };
          const readout = cpu.scope(() => featureReadout(cpu, made, place));
          const [found] = await effects(cpu, made.model, made.run, made.sources, [readout]);
          const rows = found?.sources ?? [];
          const own = rows.filter(({ name }) => name.startsWith("L2.mlp.after."));
          for (const [kind, sums] of Object.entries(golden.by_kind)) {
            expect(byKind(own, kinds[kind] ?? (() => false), sums.length)).toBeNear(sums, near);
          }
          const sum = total(own.flatMap(({ byDegree }) => byDegree));
          expect(sum + golden.constant).toBeNear(golden.pre, near);
          expect(total(rows.flatMap(({ byDegree }) => byDegree)) + (found?.constant ?? 0)).toBeNear(
            golden.pre,
            near,
          );
          for (const [source, at, sums] of golden.top_sources) {
            const row = own.find((one) => one.name.endsWith(`.F${source}`) && one.position === at);
            expect(row?.byDegree.slice(0, sums.length)).toBeNear(sums, near);
          }
          const { verify: checked } = golden;
          const name = `L2.mlp.after.F${checked.feature}`;
          const source = { name, position: checked.position };
          const verdict = await verifyFeature(cpu, made, place, { kind: "source", source });
          expect(verdict.predicted).toBeNear(checked.predicted, near);
          expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
          expect(verdict.live).toBeNear(checked.live, near);
        });
      }
      if (qk === undefined) continue;
      await withDictionaries(cpu, model, ids, [sae], async (made) => {
        const stage = stageOfLayer(model.architecture, qk.layer);
        const score = await expandScore(cpu, made.model, ids, {
          head: { layer: qk.layer, head: qk.head },
          ...{ query: qk.query, key: qk.key },
          by: scoreParts(cpu, made, stage),
        });
        expect([score.score, score.pattern]).toBeNear([qk.score, qk.probability], near);
        expect(score.certificate.relativeError).toBeLessThan(1e-12);
        const named = (source: string): string => {
          const part = source.replace(/^f(\d+)$/, "F$1");
          return `L2.mlp.after.${part} degree 0`;
        };
        const entries = qk.query_sources.flatMap((query) =>
          qk.key_sources.map((key) => {
            const row = score.matrix[score.querySources.indexOf(named(query))];
            return row?.[score.keySources.indexOf(named(key))] ?? Number.NaN;
          }),
        );
        expect(entries).toBeNear(qk.matrix.flat(), near);
      });
    }
  });

  test("virtual weights", async () => {
    const cpu = await createCpu({ precision: "f64" });
    const model = await loadModel(cpu, folderOf(fixtures.models("stories260k")));
    const root = `${dictionaries}/stories260k`;
    const sae = await loadDictionary(cpu, folderOf(fixtures.path(`${root}/resid-2`)));
    const set = await loadDictionaries(cpu, folderOf(fixtures.path(`${root}/transcoders`)));
    const next = set.kind === "per-layer" ? set.layers[3] : undefined;
    const { virtual: golden } = fixtures.golden<Golden>("dictionary-stories260k");
    if (next === undefined || golden === undefined) throw new Error("Both are there.");
    const read = (x: ReturnType<typeof cpu.fill>, ...axes: string[]) =>
      cpu.read(cpu.arrange(x, axes)).data;
    const direct = read(virtualWeights(cpu, model, sae, next), "from", "to");
    expect(Math.hypot(...direct)).toBeNear(golden.direct_frobenius, near);
    const corner = golden.direct_4x4.map((_, f) =>
      Array.from(direct.subarray(128 * f, 128 * f + 4)),
    );
    expect(corner.flat()).toBeNear(golden.direct_4x4.flat(), near);
    for (const [f, g, weight] of golden.direct_top) {
      expect(direct[128 * f + g]).toBeNear(weight, near);
    }
    const heads = golden.through_head_frobenius.map((_, head) =>
      Math.hypot(
        ...read(
          virtualWeights(cpu, model, sae, next, { through: { layer: 3, head } }),
          "from",
          "to",
        ),
      ),
    );
    expect(heads).toBeNear(golden.through_head_frobenius, near);
    for (const { feature, promoted, suppressed } of golden.logits) {
      const logits = read(virtualLogits(cpu, model, sae, { features: [feature] }), "from", "vocab");
      for (const [token, logit] of [...promoted, ...suppressed]) {
        expect(logits[token]).toBeNear(logit, near);
      }
      expect(Math.max(...logits)).toBe(logits[promoted[0]?.[0] ?? -1]);
    }
  });
});
