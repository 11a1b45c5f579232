import { createCpu } from "@resolvent/cpu";
import { reference, type Tensor, type Value } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { run } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { type LanguageModel, openModel, selectEngine } from "../src/node.ts";

const TEXT = "Once upon a time there was a little dog.";

let lm: Awaited<ReturnType<typeof openModel>>;
beforeAll(async () => {
  lm = await openModel("tales", { precision: "f64", threads: 1 });
});
afterAll(async () => {
  await lm.close();
});

describe("a run", () => {
  test("gives what the model gives, read by the names of axes", async () => {
    const { logits, trace, site } = await lm.run(TEXT, { sites: ["*.pattern", "final.norm"] });
    const ids = lm.tokenizer?.encode(TEXT) ?? [];
    const plain = lm.engine.scope(() => run(lm.engine, lm.model, ids, { sites: ["*.pattern"] }));
    expect(logits.data).toEqual((await lm.engine.read(plain.logits)).data);
    expect([...trace.keys()]).toEqual([
      ...["L0", "L1", "L2", "L3"].map((layer) => `${layer}.attn.pattern`),
      "final.norm",
    ]);
    const pattern = site("L1.attn.pattern");
    expectTypeOf(pattern).toEqualTypeOf<Value<"head" | "pos" | "key_pos">>();
    const made = plain.trace.get("L1.attn.pattern");
    if (made === undefined) throw new Error("not kept");
    expect(pattern.data).toEqual((await lm.engine.read(made)).data);
    const sums = pattern
      .at({ head: 2 })
      .nested("pos", "key_pos")
      .map((row) => row.reduce((a, b) => a + b));
    expect(sums).toBeNear(
      ids.map(() => 1),
      { rtol: 1e-12 },
    );
    expect(pattern.at({ head: 0, pos: 0, key_pos: 1 })).toBe(0);
    lm.engine.free(plain);
  });

  test("has types: its axes, and names of sites", async () => {
    const one = await lm.run([1, 2, 3], { sites: ["*.pattern"] });
    expectTypeOf(one.logits).toEqualTypeOf<Value<"pos" | "vocab">>();
    for (const [, value] of one.trace) {
      expectTypeOf(value).toEqualTypeOf<Value<"head" | "pos" | "key_pos">>();
    }
    const rows = await lm.run(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { sites: ["L0.mlp.write"] },
    );
    expectTypeOf(rows.site("L0.mlp.write")).toEqualTypeOf<Value<"pos" | "d_model" | "batch">>();
    expectTypeOf(rows.next()).toExtend<readonly (readonly unknown[])[]>();
    // @ts-expect-error the site is misspelt
    await expect(lm.run(TEXT, { sites: ["L0.attn.patern"] })).rejects.toMatchObject({
      code: "transformer/no-site",
      message: expect.stringContaining('Did you mean "L0.attn.pattern"?'),
    });
    await expect(lm.run(TEXT, { sites: ["*.patern"] })).rejects.toThrow(
      'Did you mean "*.pattern"?',
    );
  });

  test("of rows is that of each row", async () => {
    const rows = [
      [1, 5, 9],
      [4, 4, 2],
    ];
    const both = await lm.run(rows, { sites: ["L2.mlp.write"] });
    expect(both.tokens.map((row) => row.map(({ id }) => id))).toEqual(rows);
    for (const [batch, row] of rows.entries()) {
      const one = await lm.run(row, { sites: ["L2.mlp.write"] });
      expect(both.logits.at({ batch })).toBeNear(one.logits, { rtol: 1e-12 });
      expect(both.site("L2.mlp.write").at({ batch })).toBeNear(one.site("L2.mlp.write"), {
        rtol: 1e-12,
      });
      expect(both.next(2)[batch]?.map(({ id }) => id)).toEqual(one.next(2).map(({ id }) => id));
    }
  });

  test("names the likeliest next tokens", async () => {
    const { next, logits, tokens } = await lm.run(TEXT);
    const row = logits.at({ pos: -1 }).rows("vocab");
    const [first, second] = next(2);
    expect(first?.logit).toBe(Math.max(...row));
    expect(first?.text).toBe(lm.tokenizer?.token(first?.id ?? -1));
    expect((first?.probability ?? 0) / (second?.probability ?? 0)).toBeCloseTo(
      Math.exp((first?.logit ?? 0) - (second?.logit ?? 0)),
    );
    expect(next(row.length).reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1);
    expect(tokens.map(({ text }) => text).join("")).toBe(TEXT);
    expect(lm.tokens(TEXT)).toEqual(tokens);
  });

  test("leaves nothing on the engine", async () => {
    await lm.run(TEXT, { sites: ["*"] });
    const used = lm.engine.memory?.used;
    expect(used).toBeGreaterThan(0);
    const without = lm.ablate({ heads: ["L1.H2"], with: { mean: ["The cat sat."] } });
    await without.run(TEXT, { sites: ["*"] });
    await expect(lm.run(TEXT, { sites: ["L9.attn.write"] })).rejects.toThrow();
    expect(lm.engine.memory?.used).toBe(used);
  });

  test("says what it has not kept", async () => {
    const { site } = await lm.run(TEXT, { sites: ["*.pattern"] });
    expect(() => site("L0.attn.score")).toThrow(
      expect.objectContaining({ code: "resolvent/not-kept" }),
    );
    expect(() => site("L7.attn.pattern")).toThrow(/Did you mean "L0.attn.pattern"\?/);
  });

  test("takes values of one's own, which interventions then work on", async () => {
    const double = {
      "L1.mlp.write": (value: Parameters<typeof lm.engine.free>[0]) => value as never,
    };
    const same = await lm.run(TEXT, { replace: double });
    expect(same.logits).toBeNear((await lm.run(TEXT)).logits);
    const zero = await lm
      .ablate({ blocks: ["L1.mlp"] })
      .run(TEXT, { replace: double, sites: ["L1.mlp.write"] });
    expect(Math.max(...zero.site("L1.mlp.write").data)).toBe(0);
  });
});

describe("ablation", () => {
  const site = "L1.attn.head";

  test("writes zero, and leaves the other heads and the model as they are", async () => {
    const before = (await lm.run(TEXT, { sites: [site] })).site(site);
    const after = (await lm.ablate({ heads: ["L1.H2"] }).run(TEXT, { sites: [site] })).site(site);
    for (const [head, own] of after.rows("head").entries()) {
      if (head === 2) expect(Math.max(...own.data.map(Math.abs))).toBe(0);
      else expect(own).toBeNear(before.at({ head }));
    }
    expect((await lm.run(TEXT, { sites: [site] })).site(site)).toBeNear(before);
  });

  test.each(["own", "other"] as const)(
    "writes the mean over the positions of its %s text",
    async (which) => {
      const other = "The cat sat on the mat.";
      const source = which === "own" ? TEXT : other;
      const values = (await lm.run(source, { sites: [site] })).site(site).at({ head: 2 });
      const rows = values.rows("pos");
      const mean = (d_model: number): number =>
        rows.reduce((sum, row) => sum + row.at({ d_model }), 0) / rows.length;
      const reference = which === "own" ? "mean" : { mean: [other] };
      const without = lm.ablate({ heads: ["L1.H2"], with: reference });
      const after = (await without.run(TEXT, { sites: [site] })).site(site);
      for (const d_model of [0, 17, 127]) {
        expect(after.at({ head: 2, pos: 3, d_model })).toBeCloseTo(mean(d_model), 12);
        expect(after.at({ head: 2, pos: -1, d_model })).toBeCloseTo(mean(d_model), 12);
      }
    },
  );

  test("of rows takes the mean of each row by itself", async () => {
    const rows = [
      [1, 5, 9],
      [4, 4, 2],
    ];
    const without = lm.ablate({ heads: ["L1.H2"], blocks: ["L2.mlp"], with: "mean" });
    const both = await without.run(rows);
    for (const [batch, row] of rows.entries()) {
      expect(both.logits.at({ batch })).toBeNear((await without.run(row)).logits, { rtol: 1e-10 });
    }
  });

  test("writes what another text has there, only where it is asked for", async () => {
    const [clean, corrupt] = [
      [1, 5, 9, 7],
      [4, 4, 2, 8],
    ];
    const at = "L1.mlp.write";
    const patched = lm.ablate({ blocks: ["L1.mlp"], with: { run: corrupt }, positions: [2] });
    const [a, b, c] = [
      lm.run(clean, { sites: [at] }),
      lm.run(corrupt, { sites: [at] }),
      patched.run(clean, { sites: [at] }),
    ];
    const [before, other, after] = [(await a).site(at), (await b).site(at), (await c).site(at)];
    expect(after.at({ pos: 2 })).toBeNear(other.at({ pos: 2 }));
    expect(after.at({ pos: 3 })).not.toBeNear(other.at({ pos: 3 }));
    expect(after.at({ pos: 1 })).toBeNear(before.at({ pos: 1 }));
    await expect(patched.run([1, 2, 3])).rejects.toMatchObject({
      code: "transformer/reference-length",
    });
  });

  test("names that the model does not have are refused at once", () => {
    expect(() => lm.ablate({ heads: ["L9.H0"] })).toThrow(/no head L9.H0/);
    // @ts-expect-error the block is misspelt
    expect(() => lm.ablate({ blocks: ["L0.atn"] })).toThrow(/Did you mean "L0.attn"\?/);
    expect(() => lm.ablate({ neurons: ["L0.N99999"] })).toThrow(/no neuron L0.N99999/);
    expect(() => lm.ablate({ with: "mean" })).toThrow(
      expect.objectContaining({ code: "resolvent/nothing-to-ablate" }),
    );
  });
});

test("a vector is added in every run, and interventions go together", async () => {
  const site = "L1.mlp.after";
  const vector = Array.from({ length: 128 }, (_, i) => Math.cos(i));
  const steered = lm
    .ablate({ heads: ["L3.H0"] })
    .steer(site, vector, { scale: 2, positions: [-1] });
  const sites = [site, "L3.attn.head"] as const;
  const [before, after] = [await lm.run(TEXT, { sites }), await steered.run(TEXT, { sites })];
  const moved = after
    .site(site)
    .rows("d_model")
    .map((row, i) => row.at({ pos: -1 }) - before.site(site).at({ d_model: i, pos: -1 }));
  expect(moved).toBeNear(
    vector.map((x) => 2 * x),
    { rtol: 1e-10 },
  );
  expect(after.site(site).at({ pos: 0 })).toBeNear(before.site(site).at({ pos: 0 }));
  expect(Math.max(...after.site("L3.attn.head").at({ head: 0 }).data)).toBe(0);
  expect(() => lm.steer(site, [1, 2, 3])).toThrow(/128 numbers.*got 3/);
  // @ts-expect-error the site is misspelt
  expect(() => lm.steer("L1.mlp.afer", vector)).toThrow(/Did you mean "L1.mlp.after"/);
});

test("a text goes on, with interventions as without", async () => {
  const texts = async (model: LanguageModel): Promise<string> => {
    let text = "";
    for await (const token of model.generate("Once upon a time", { maxTokens: 8 }))
      text += token.text;
    return text;
  };
  const plain = await texts(lm);
  expect(
    plain.startsWith(
      lm.tokenizer?.token((await lm.run("Once upon a time")).next(1)[0]?.id ?? 0) ?? "?",
    ),
  ).toBe(true);
  expect(await texts(lm.ablate({ blocks: ["L0"], with: "mean" }))).not.toBe(plain);
  await expect(texts(lm.ablate({ heads: ["L0.H1"], positions: [-1] }))).rejects.toMatchObject({
    code: "transformer/no-position",
  });
});

describe("lifetime", () => {
  test("closing ends an engine that was made for the model, and no other", async () => {
    const own = await openModel("attn-only-2l", { threads: 1 });
    const part = own.ablate({ heads: ["L0.H0"] });
    await part.close(); // what was opened is closed
    await own.run([1, 2, 3]);
    await own.close();
    await expect(own.run([1, 2, 3])).rejects.toMatchObject({ code: "cpu/closed" });

    const engine = await selectEngine({ engine: "cpu", threads: 1 });
    const lent = await openModel("attn-only-2l", { engine });
    expect(lent.engine).toBe(engine);
    expectTypeOf(lent.engine).toEqualTypeOf(engine);
    await lent.close();
    expect(engine.read(engine.fill({ pos: 2 }, 1)).data).toEqual(Float32Array.of(1, 1));
    engine.scope(() => engine.exp(engine.fill({ pos: 2 }, 1)));
    await engine.close();
  });

  test("it is disposed of at the end of a block", async () => {
    const cpu = await createCpu({ threads: 1 });
    {
      await using lent = await openModel("attn-only-2l", { engine: cpu });
      expect((await lent.run([1, 2])).logits.shape.pos).toBe(2);
    }
    await cpu.close();
  });

  test("works on any engine", async () => {
    const folder = tinyModel("llama");
    const tiny = await openModel(folder, { engine: reference });
    expectTypeOf(tiny.model.embed.W_E).toEqualTypeOf<Tensor>();
    expect(tiny.folder).toBe(folder);
    const { logits, tokens } = await tiny.run([1, 2, 3]);
    expect(logits.data).toEqual(run(reference, tiny.model, [1, 2, 3]).logits.data);
    expect(tokens[0]).toEqual({ id: 1, text: "id:1" });
    await expect(tiny.run("text")).rejects.toMatchObject({ code: "resolvent/no-tokenizer" });
    await tiny.close();
  });
});
