import { checkParameters, type Subject, spreadOf, type Vocabulary } from "@resolvent/analysis";
import { type Cpu, createCpu } from "@resolvent/cpu";
import { InputError, inOrder, reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel, run } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headsAnalysis } from "../src/analyses.ts";
import { headScores, textScores } from "../src/index.ts";

const text = [3, 17, 5, 3, 3, 8, 17];

let cpu: Cpu;
beforeAll(async () => {
  cpu = await createCpu({ precision: "f64", threads: 1 });
});
afterAll(() => cpu.close());

describe.each(tinyFamilies)("%s", (family) => {
  test("attention of a text is that of its patterns, counted in plain loops", async () => {
    const model = await loadModel(reference, tinyModel(family), { hash: false });
    const found = await textScores(reference, model, text);
    const { layers, heads } = model.architecture;
    const sites = ["*.pattern"];
    const { trace } = run(reference, model, text, { sites });
    for (let layer = 0; layer < layers; layer++) {
      const pattern = trace.get(`L${layer}.attn.pattern`);
      if (pattern === undefined) throw new Error("Attention has a pattern.");
      const axes = Object.keys(pattern.shape).filter((axis) => !["pos", "key_pos"].includes(axis));
      const { data } = inOrder(pattern, [...axes, "pos", "key_pos"]);
      for (let head = 0; head < heads; head++) {
        const at = (query: number, key: number): number =>
          data[(head * text.length + query) * text.length + key] ?? Number.NaN;
        let [previous, duplicate, induction, repeats] = [0, 0, 0, 0];
        text.forEach((id, query) => {
          if (query > 0) previous += at(query, query - 1);
          let before = false;
          for (let key = 0; key < query; key++) {
            if (text[key] !== id) continue;
            before = true;
            duplicate += at(query, key);
            induction += at(query, key + 1);
          }
          if (before) repeats++;
        });
        expect(repeats).toBe(3);
        expect(found.previousToken[layer]?.[head]).toBeNear(previous / 6);
        expect(found.duplicateToken[layer]?.[head]).toBeNear(duplicate / repeats);
        expect(found.induction[layer]?.[head]).toBeNear(induction / repeats);
        const copying = found.copying[layer]?.[head];
        expect(Math.abs(copying ?? 0)).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });
});

test("on tokens that are repeated once, a text scores as they do", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const half = [4, 9, 21, 2];
  const sequence = [1, ...half, ...half];
  const repeated = { length: 4, seed: 0, bos: 1, sequences: [sequence] };
  const [own, other] = [
    await textScores(reference, model, sequence),
    await headScores(reference, model, repeated),
  ];
  for (const score of ["previousToken", "duplicateToken", "induction"] as const) {
    expect(own[score].flat()).toBeNear(other[score].flat());
  }
});

test("a text that has no place for a score has none", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const nothing = (rows: readonly (readonly (number | null)[])[]): boolean =>
    rows.flat().every((score) => score === null);
  const once = await textScores(reference, model, [3, 4, 5]);
  expect(nothing(once.previousToken)).toBe(false);
  expect([once.duplicateToken, once.induction].map(nothing)).toEqual([true, true]);
  const one = await textScores(reference, model, [3]);
  expect(Object.values(one).map(nothing)).toEqual([true, true, true, true]);
});

describe("heads over texts", () => {
  const vocabulary: Vocabulary = {
    encode: (prompt) => {
      if (typeof prompt !== "string") return prompt;
      if (prompt.includes("!"))
        throw new InputError({ code: "test/no-token", message: "There is no !." });
      return [...prompt].map((c) => c.charCodeAt(0) % 29);
    },
    ...{ tokenId: Number, text: (id) => `t${id}`, entry: (id) => `t${id}` },
    decode: (ids) => ids.join(" "),
  };
  const subject = async (): Promise<Subject<ReturnType<Cpu["fill"]>>> => ({
    ...{ engine: cpu, vocabulary, linearAlgebra: () => cpu.linearAlgebra() },
    model: await loadModel(cpu, tinyModel("gpt2"), { hash: false }),
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  const found = async (values: Readonly<Record<string, unknown>>) =>
    await headsAnalysis.run(await subject(), await checkParameters(headsAnalysis.params, values));

  test("are means with intervals, over those that have a place", async () => {
    const prompts = "\uFEFFabcabc\r\n\r\nabc\naab";
    const result = await found({ prompts, each: true });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result.repeated).toBeNull();
    expect(result.texts?.prompts.map(({ line, tokens }) => [line, tokens.length])).toEqual([
      [1, 6],
      [3, 3],
      [4, 3],
    ]);
    const each = result.texts?.each ?? [];
    result.heads.forEach(({ previousToken, induction, intervals }, i) => {
      const own = each.map((scores) => scores.previousToken[i] ?? Number.NaN);
      expect(intervals?.previousToken).toEqual(spreadOf(own));
      expect(previousToken).toBe(intervals?.previousToken?.mean);
      const repeating = [each[0], each[2]].map((scores) => scores?.induction[i] ?? Number.NaN);
      expect(each[1]?.induction[i]).toBeNull();
      expect(intervals?.induction).toEqual(spreadOf(repeating));
      expect(induction).toBe(intervals?.induction?.mean);
    });
    const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
    const first = await textScores(reference, model, vocabulary.encode("abcabc"));
    expect(each[0]?.induction).toBeNear(first.induction.flat() as number[]);

    const [table, texts] = headsAnalysis.tables(result);
    for (const row of table?.rows ?? []) expect(row.length).toBe(table?.columns.length);
    expect(table?.subtitle).toContain("means over 3 texts");
    expect(table?.notes?.join("\n")).toContain("not every text");
    expect(texts?.rows.length).toBe(3 * result.heads.length);
    expect(headsAnalysis.views?.(result)).toHaveLength(4);
    expect(headsAnalysis.tables(await found({ prompts })).map(({ kind }) => kind)).toEqual([
      "head",
    ]);
  });

  test("one text has no interval, and the same twice a narrow one", async () => {
    const one = await found({ prompts: "abab" });
    expect(one.heads[0]?.intervals?.induction).toMatchObject({ low: null, high: null, count: 1 });
    const twice = await found({ prompts: "abab\nabab" });
    const { mean, low, high, count } = twice.heads[0]?.intervals?.induction ?? {};
    expect([low, high, count]).toEqual([mean, mean, 2]);
  });

  test("what they take is that of their runs", async () => {
    const model = await outlineModel(tinyModel("gpt2"));
    const flops = async (values: Readonly<Record<string, unknown>>): Promise<number> => {
      const params = await checkParameters(headsAnalysis.params, values);
      return headsAnalysis.estimate({ model, vocabulary, precision: "f32" }, params).flops;
    };
    const [none, one, two] = [
      await flops({ weightsOnly: true }),
      await flops({ prompts: "abcd" }),
      await flops({ prompts: "abcd\nabcd" }),
    ];
    expect(two - one).toBe(one - none);
    expect(one).toBeGreaterThan(none);
  });

  test.each([
    [{ prompts: "a", weightsOnly: true }, "attention/two-inputs"],
    [{ prompts: "a", repeatLength: 3 }, "attention/two-inputs"],
    [{ each: true }, "attention/no-texts"],
    [{ prompts: "" }, "analysis/no-prompts"],
    [{ prompts: "a\tb" }, "attention/no-target"],
    [{ prompts: '{"prompt": "a"}\n{"prompt": 3}' }, "analysis/bad-prompts"],
    [{ prompts: "ab\n\na!" }, "test/no-token"],
  ])("%j is refused", async (values, code) => {
    await expect(found(values)).rejects.toMatchObject({ code });
  });

  test("what is refused of a text names its line", async () => {
    await expect(found({ prompts: "ab\n\na!" })).rejects.toThrow(/^Prompts, line 3: There is no !/);
  });
});
