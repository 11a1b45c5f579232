import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isInputError, reference } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { memoryFolder } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import {
  loadDictionaries,
  loadDictionary,
  reconstruct,
  saveDictionary,
  siteText,
} from "../src/index.ts";
import { codeOf, pairs } from "./make.ts";

type Rows = readonly (readonly number[])[];

async function saved(
  dictionary: Parameters<typeof saveDictionary>[1],
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  await saveDictionary(
    reference,
    dictionary as Parameters<typeof saveDictionary<ReturnType<typeof reference.fill>>>[1],
    async (file, pieces) => {
      const parts: Uint8Array[] = [];
      for await (const piece of pieces) parts.push(piece);
      files.set(file, new Uint8Array(Buffer.concat(parts)));
    },
    { dtype: "F64" },
  );
  return files;
}

/** What SAELens has no form for. */
const OTHERS = [
  "circuit-tracer/plt-topk",
  "saelens/tanh-relu",
  "sparsify/groupmax",
  "sparsify/layers.0.mlp",
  "sparsify/layers.2.mlp",
  "sparsify/layers.5.mlp",
];

describeWithFixtures("what SAELens reads", (fixtures) => {
  const root = fixtures.path("fixtures/dictionaries");
  const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
  const cases = (read("cases.json") as string[]).filter(
    (path) => !path.startsWith("refuse/") && !path.includes("/clt-"),
  );

  test.each(cases)("%s, saved and loaded: the same function at the same site", async (path) => {
    const expected = read(`${path}/expected.json`) as {
      readonly x: Rows;
      readonly norm_scaling_factor?: number;
    };
    const factor = expected.norm_scaling_factor;
    const options = { ...(factor !== undefined && { normScalingFactor: factor }), layer: 0 };
    const found = await loadDictionaries(reference, folderOf(join(root, path)), options);
    const dictionary =
      found.kind === "one"
        ? found.dictionary
        : found.kind === "per-layer"
          ? found.layers[0]
          : undefined;
    if (dictionary === undefined) throw new Error(path);
    if (OTHERS.includes(path)) {
      expect(await codeOf(() => saved(dictionary))).toBe("dictionary/not-savable");
      return;
    }
    const again = await loadDictionary(reference, memoryFolder(await saved(dictionary)));
    const x = reference.constant(
      { row: expected.x.length, d_in: dictionary.d_in },
      expected.x.flat(),
    );
    const [a, b] = [
      await reconstruct(reference, dictionary, x),
      await reconstruct(reference, again, x),
    ];
    const [before, after] = [pairs(a.activations), pairs(b.activations)];
    expect(after.map((row) => row.map(([f]) => f))).toEqual(
      before.map((row) => row.map(([f]) => f)),
    );
    expect(after.flat().map(([, value]) => value)).toBeNear(
      before.flat().map(([, value]) => value),
      { rtol: 1e-12, atol: 1e-12 },
    );
    expect(b.output.data).toBeNear(a.output.data, { rtol: 1e-12, atol: 1e-12 });
    expect(again.input && siteText(again.input)).toBe(
      dictionary.input && siteText(dictionary.input),
    );
    expect(again.output && siteText(again.output)).toBe(
      dictionary.output && siteText(dictionary.output),
    );
    expect(again.transcoder).toBe(dictionary.transcoder);
  });
});

test("the config has what SAELens' loader asks for, and no more tensors than it knows", async () => {
  const { reluDictionary } = await import("./make.ts");
  const made = reluDictionary(reference, 2, {
    W_enc: [1, 2, 3, 4, 5, 6],
    W_dec: [1, 2, 3, 4, 5, 6],
  });
  const files = await saved({ ...made, positions: { start: 1, stop: null, step: null } });
  const config = JSON.parse(new TextDecoder().decode(files.get("cfg.json")));
  expect(config).toMatchObject({
    architecture: "standard",
    d_in: 2,
    d_sae: 3,
    dtype: "float64",
    apply_b_dec_to_input: false,
    normalize_activations: "none",
    reshape_activations: "none",
    metadata: { sae_lens_version: "6.18.0", seqpos_slice: [1, null, null] },
  });
  const again = await loadDictionary(reference, memoryFolder(files), {
    site: "L0.mlp.after",
  }).catch((e) => e);
  expect(isInputError(again)).toBe(false);
  expect(again.positions).toEqual({ start: 1, stop: null, step: null });
});
