import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { type LevelName, loadModel, tokenIds } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, describe, expect, test } from "vitest";
import { directAttribution } from "../src/attribution.ts";
import { frozenRun } from "../src/frozen-run.ts";
import { logitReadout } from "../src/readout.ts";
import { topPaths } from "../src/top-paths.ts";

const goldenModels = [
  "stories260k",
  "nano-sort-gpt2",
  "neel-induction-2l",
  "neel-modadd113-1l",
] as const;

interface GoldenPaths {
  readonly n_paths: number;
  readonly total: number;
  readonly sum_abs: number;
  readonly degree_sum: readonly number[];
  readonly degree_abs_sum: readonly number[];
  readonly degree_count: readonly number[];
  readonly top: readonly { value: number; source: string; path: readonly string[] }[];
}

interface Golden {
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly target: { readonly a: number; readonly b: number; readonly const: number };
    readonly paths_block: GoldenPaths;
    readonly paths_head: GoldenPaths;
    readonly dla: {
      readonly embed: number;
      readonly const: number;
      readonly blocks: Readonly<Record<string, number>>;
      readonly heads: Readonly<Record<string, readonly number[]>>;
      readonly attn_b_O: Readonly<Record<string, number>>;
      readonly embed_tok?: number;
      readonly embed_pos?: number;
    };
  }[];
}

const started: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const engine of started) await engine.close();
});

describeWithFixtures("the golden paths", (fixtures) => {
  for (const name of goldenModels) {
    const { prompts } = fixtures.golden<Golden>(name);
    describe.each(prompts.map((prompt, i) => [i, prompt] as const))(
      `${name}, prompt %i`,
      (_, prompt) => {
        // The head paths of the story model are 1.9 million: the reference would take half a minute.
        const big = name === "stories260k";
        if (!big) test("by heads, in the reference", () => holds(reference, "head"));
        test("by blocks, in the reference", () => holds(reference, "block"));
        test("by heads, on the cpu in float64", async () => {
          const cpu = await createCpu({ precision: "f64", threads: 1 });
          started.push(cpu);
          await holds(cpu, "head");
        });

        test("direct logit attribution", async () => {
          const model = await loadModel(reference, folderOf(fixtures.models(name)), {
            hash: false,
          });
          const run = frozenRun(reference, model, tokenIds(prompt.ids));
          const readout = logitReadout(reference, model, run, prompt.target);
          const found = await directAttribution(reference, model, run, readout);
          const { dla } = prompt;
          const near = { rtol: 1e-8, atol: 1e-11 };
          expect(found.embed).toBeNear(dla.embed, near);
          expect(found.constant).toBeNear(dla.const, near);
          expect(Object.keys(found.blocks)).toEqual(Object.keys(dla.blocks));
          expect(Object.values(found.blocks)).toBeNear(Object.values(dla.blocks), near);
          expect(Object.values(found.heads)).toBeNear(Object.values(dla.heads).flat(), near);
          expect(Object.values(found.attnBias)).toBeNear(Object.values(dla.attn_b_O), near);
          const { embed_tok = dla.embed, embed_pos } = dla;
          const parts = [embed_tok, ...(embed_pos === undefined ? [] : [embed_pos])];
          expect(Object.values(found.parts)).toBeNear(parts, near);
        });

        async function holds<T extends Shaped>(engine: Engine<T>, level: LevelName): Promise<void> {
          const model = await loadModel(engine, folderOf(fixtures.models(name)), { hash: false });
          const run = frozenRun(engine, model, tokenIds(prompt.ids));
          const golden = level === "block" ? prompt.paths_block : prompt.paths_head;
          const readout = logitReadout(engine, model, run, prompt.target);
          const found = await topPaths(engine, model, run, readout, { level, top: 40 });
          const rtol = 1e-8;
          expect(found.exhaustive).toBe(true);
          expect(found.count).toBe(BigInt(golden.n_paths));
          expect(found.byDegree.map(({ count }) => Number(count))).toEqual(golden.degree_count);
          expect(found.total).toBeNear(golden.total, { rtol });
          expect(found.constant).toBeNear(prompt.target.const, { rtol });
          expect(found.byDegree.map(({ sum }) => sum)).toBeNear(golden.degree_sum, { rtol });
          expect(found.byDegree.map(({ absolute }) => absolute ?? Number.NaN)).toBeNear(
            golden.degree_abs_sum,
            { rtol },
          );
          const shown = found.shown.map(({ effect }) => effect);
          expect(shown.map(Math.abs)).toBeNear(
            golden.top.map(({ value }) => Math.abs(value)),
            { of: "each", rtol },
          );
          // Near-ties may stand in either order, and at the end either may be cut off.
          const last = Math.abs(golden.top.at(-1)?.value ?? 0) * (1 + 1e-7);
          const keyed = (paths: readonly (readonly [string, number])[]) =>
            Object.fromEntries(paths.filter(([, value]) => Math.abs(value) > last));
          const got = keyed(
            found.shown.map((p) => [[p.source.name, ...p.nodes].join(" "), p.effect]),
          );
          const want = keyed(golden.top.map((p) => [[p.source, ...p.path].join(" "), p.value]));
          expect(Object.keys(got).sort()).toEqual(Object.keys(want).sort());
          for (const [key, value] of Object.entries(want))
            expect(got[key]).toBeNear(value, { rtol });
          expect(found.relativeError).toBeLessThan(1e-12);
          expect(found.enumeratedError).toBeLessThan(1e-11);
          engine.free(run);
        }
      },
    );
  }
});
