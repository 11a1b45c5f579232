import { createCpu } from "@resolvent/cpu";
import { effects, logitReadout, type SourceEffect, verify } from "@resolvent/paths";
import { describeWithFixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { loadDictionaries, loadDictionary, withDictionaries } from "../src/index.ts";

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
      readonly verify: readonly {
        readonly feature: number;
        readonly position: number;
        readonly predicted: number;
        readonly frozen: number;
        readonly live: number;
      }[];
    };
    readonly replaced_target_by_kind: ByKind;
  }[];
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
    for (const { ids, sources: golden, replaced_target_by_kind } of prompts) {
      const target = { a: golden.target.a, b: golden.target.b };
      await withDictionaries(cpu, model, ids, set.layers, async (made) => {
        const readout = cpu.scope(() => logitReadout(cpu, made.model, made.run, target));
        const [found] = await effects(cpu, made.model, made.run, made.sources, [readout]);
        expectKinds(found?.sources ?? [], replaced_target_by_kind);
      });
    }
  });
});
