import { checkParameters, type Subject } from "@resolvent/analysis";
import { createLinearAlgebra } from "@resolvent/cpu";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, mapWeights } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { headsAnalysis, ovAnalysis } from "../src/analyses.ts";
import { copyingScore } from "../src/index.ts";

const zero = (weight: Tensor): Tensor => reference.scale(weight, 0);

async function subjectOf(f: (weight: Tensor, name: string) => Tensor): Promise<Subject<Tensor>> {
  const loaded = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const model: Model<Tensor> = mapWeights(loaded, f);
  return {
    engine: reference,
    model,
    vocabulary: { encode: () => [], tokenId: Number, text: String, entry: String, decode: String },
    linearAlgebra: createLinearAlgebra,
    signal: new AbortController().signal,
    onProgress: () => {},
  };
}

describe("scores of next to nothing are not given", () => {
  test.each(["W_V", "W_O"])(
    "heads whose %s is zero: no copying score, no partner",
    async (zeroed) => {
      const subject = await subjectOf((weight, name) =>
        name === `L0.attn.${zeroed}` ? zero(weight) : weight,
      );
      const params = await checkParameters(headsAnalysis.params, { weightsOnly: true });
      const result = await headsAnalysis.run(subject, params);
      for (const row of result.heads) {
        const scores = [row.ovCopying, row.ovCopyingEmbedding, row.ovCopyingEmbeddingCentred];
        expect(scores.every((score) => (score === null) === (row.layer === 0))).toBe(true);
        expect([row.queryFrom, row.keyFrom, row.valueFrom]).toEqual([null, null, null]);
      }
      const [table] = headsAnalysis.tables(result);
      expect(table?.notes).toContainEqual(
        expect.stringMatching(/^–: a matrix that is next to zero/),
      );
      expect(table?.columns.find(({ name }) => name === "ovCopying")?.missing).toBe("–");
      const ov = await ovAnalysis.run(
        subject,
        await checkParameters(ovAnalysis.params, { head: "L0.H0" }),
      );
      expect(ov.copying).toEqual({ residual: null, embedding: null, embeddingCentred: null });
      expect(ov.directions.every(({ share }) => share === null)).toBe(true);
      expect(ovAnalysis.tables(ov)[0]?.notes?.join("\n")).toMatch(/^–: the matrix/m);
    },
  );

  test("an unembedding that is the same for every token has nothing left when it is centred", async () => {
    const subject = await subjectOf((weight, name) => {
      if (!/\.W_[EU]$/.test(name)) return weight;
      // Tied or not: rows that differ by rounding only.
      const d_model = weight.shape.d_model ?? 0;
      const row = reference.constant(
        { d_model },
        Float64Array.from({ length: d_model }, (_, i) => Math.sin(i)),
      );
      return reference.add(reference.scale(weight, 1e-16), row);
    });
    const params = await checkParameters(headsAnalysis.params, { weightsOnly: true });
    const { heads } = await headsAnalysis.run(subject, params);
    for (const row of heads) {
      expect(row.ovCopying).not.toBeNull();
      expect(row.ovCopyingEmbedding).not.toBeNull();
      expect(row.ovCopyingEmbeddingCentred).toBeNull();
    }
  });

  test("a score does not depend on the size of the weights", async () => {
    for (const size of [1, 1e-30, 1e30]) {
      const eigenvalues = [2, 1, -1].map((re) => ({ re: size * re, im: 0 }));
      expect(copyingScore(eigenvalues, 3 * size)).toBeNear(0.5);
    }
    expect(copyingScore([{ re: 1e-20, im: 0 }], 1)).toBeNull();
    expect(copyingScore([{ re: 1e-7, im: 0 }], 1, "f32")).toBeNull();
    expect(copyingScore([])).toBeNull();
  });
});
