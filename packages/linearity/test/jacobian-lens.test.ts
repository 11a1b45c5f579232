import type { Checkpoint, NewFile, TextFile } from "@resolvent/analysis";
import { checkViews } from "@resolvent/analysis";
import { createLinearAlgebra } from "@resolvent/cpu";
import { fitJacobianLens, type JacobianLens, readJacobianLens } from "@resolvent/expansion";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, plainSites, run, unembed } from "@resolvent/transformer";
import { memorySource } from "@resolvent/weights";
import { expect, test } from "vitest";
import { jacobianLens } from "../src/analyses/jacobian-lens.ts";
import { scoreJacobianLens } from "../src/index.ts";
import { jacobianTables, jacobianViews } from "../src/jacobian/tables.ts";
import { sequences } from "./models.ts";

const load = (): Promise<Model<Tensor>> =>
  loadModel(reference, tinyModel("gpt2", { seed: 4 }), { hash: false });
const rows = sequences(6, 7);

/** Log-probabilities of a stream at each position: plain numbers. */
function read(model: Model<Tensor>, stream: Tensor): number[][] {
  const { vocab } = model.architecture;
  const logits = reference.arrange(unembed(reference, model, stream, plainSites()), [
    "pos",
    "vocab",
  ]);
  return Array.from({ length: logits.data.length / vocab }, (_, pos) => {
    const row = [...logits.data.slice(pos * vocab, (pos + 1) * vocab)];
    const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    return row.map((x) => x - log);
  });
}

test("measures of a lens are what their definitions say", async () => {
  const model = await load();
  const lens = await fitJacobianLens(reference, model, rows, { skip: 1 });
  const J = lens.jacobians.get(0) ?? [];
  const sums = { logit: { kl: 0, same: 0 }, jacobian: { kl: 0, same: 0 } };
  for (const row of rows) {
    const { residual, trace } = run(reference, model, row, { sites: ["L0.mlp.after"] });
    const h = reference.arrange(trace.get("L0.mlp.after") as Tensor, ["pos", "d_model"]);
    const carried = row.flatMap((_, pos) =>
      Array.from({ length: 16 }, (_, i) =>
        Array.from(
          { length: 16 },
          (_, j) => (J[i * 16 + j] ?? 0) * (h.data[pos * 16 + j] ?? 0),
        ).reduce((a, b) => a + b),
      ),
    );
    const truth = read(model, residual);
    for (const [name, stream] of [
      ["logit", h],
      ["jacobian", reference.constant({ pos: row.length, d_model: 16 }, carried)],
    ] as const) {
      for (const [pos, q] of read(model, stream).entries()) {
        const p = truth[pos] ?? [];
        sums[name].kl += p.reduce((sum, x, i) => sum + Math.exp(x) * (x - (q[i] ?? 0)), 0);
        sums[name].same += Number(p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q)));
      }
    }
  }
  const count = rows.length * 7;
  const [layer, ...more] = await scoreJacobianLens(reference, model, lens, rows, { draws: 20 });
  expect(more).toEqual([]);
  expect(layer).toMatchObject({ layer: 0, after: "L0.mlp" });
  expect(layer?.logitLensKl).toBeNear(sums.logit.kl / count, { rtol: 1e-9 });
  expect(layer?.jacobianLensKl).toBeNear(sums.jacobian.kl / count, { rtol: 1e-9 });
  expect(layer?.logitLensTop1).toBe(sums.logit.same / count);
  expect(layer?.jacobianLensTop1).toBe(sums.jacobian.same / count);
  const [low, high] = layer?.intervals.jacobianLensKl ?? [Number.NaN, Number.NaN];
  expect(low).toBeLessThanOrEqual(layer?.jacobianLensKl ?? 0);
  expect(high).toBeGreaterThanOrEqual(layer?.jacobianLensKl ?? 0);
});

const tokensFile: TextFile = {
  name: "ids.txt",
  stream: async function* () {
    yield new TextEncoder().encode([...rows, [1, 2]].map((row) => row.join(",")).join("\n"));
  },
};
const asked = {
  ...{ tokensFile, split: "half" as const, maxTokens: 1000, seed: 0, draws: 5, skip: 2 },
  dtype: "f32" as const,
};

async function ran(
  { checkpoint, abort = false }: { checkpoint?: Checkpoint; abort?: boolean },
  out?: NewFile,
) {
  const controller = new AbortController();
  const vocabulary = {
    ...{ encode: () => [], tokenId: Number, decode: String },
    ...{ text: (id: number) => ` ${id}`, entry: (id: number) => ` ${id}` },
  };
  const result = await jacobianLens.run(
    {
      ...{
        engine: reference,
        model: await load(),
        vocabulary,
        signal: controller.signal,
        checkpoint,
      },
      onProgress: ({ done }) => {
        if (abort && done === 2) setTimeout(() => setTimeout(() => controller.abort()));
      },
      linearAlgebra: () => createLinearAlgebra(),
    },
    { ...asked, out },
  );
  return result;
}

test("the analysis fits on half, scores on the rest, and writes what it has fitted", async () => {
  const pieces: Uint8Array[] = [];
  const out: NewFile = {
    name: "lens.pt",
    write: async (chunks) => {
      for await (const piece of chunks) pieces.push(piece.slice());
    },
  };
  const result = await ran({}, out);
  const { fit, scored, leftOut, found } = result.input;
  expect(found).toBe(7);
  expect(fit.sequences + scored.sequences + leftOut).toBe(7);
  expect(result.saved).toEqual({ file: "lens.pt", dtype: "f32" });
  expect(result.warnings.map(({ code }) => code)).toContain("too-few-sequences");
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  const lens: JacobianLens = await readJacobianLens(
    memorySource(new Uint8Array(Buffer.concat(pieces))),
  );
  expect(lens.prompts).toBe(fit.sequences);
  const tables = jacobianTables(result);
  for (const row of tables[0]?.rows ?? []) expect(row).toHaveLength(tables[0]?.columns.length ?? 0);
  expect(checkViews(jacobianViews(), tables)).toHaveLength(2);
});

test("an interrupted fit goes on from where it was, with the same result", async () => {
  const whole = await ran({});
  let kept: unknown;
  const save = async (state: unknown): Promise<void> => {
    kept = structuredClone(state);
  };
  await expect(ran({ checkpoint: { saved: undefined, save }, abort: true })).rejects.toThrow();
  expect(kept).toMatchObject({ kind: "jacobian-lens-state", fitted: { prompts: 2 } });
  expect(await ran({ checkpoint: { saved: kept, save } })).toEqual(whole);
  const other = { ...Object(kept), of: "another" };
  await expect(ran({ checkpoint: { saved: other, save } })).rejects.toMatchObject({
    code: "linearity/other-state",
  });
});
