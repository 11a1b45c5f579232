import { reference, type Shape } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  loadModel,
  outlineModel,
  run,
  runCost,
  type SiteAxes,
  type SiteName,
  type SitePattern,
  siteAxes,
  siteNames,
  storedRun,
  traceBytes,
} from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

describe.each(tinyFamilies)("%s", (family) => {
  test("the sites that are listed are those that a run comes by, with the axes that are said", async () => {
    const model = await loadModel(reference, tinyModel(family, { seed: 2 }));
    const { trace } = run(reference, model, TOKENS, { sites: ["*"] });
    expect(siteNames(model)).toEqual([...trace.keys()]);
    for (const [site, { shape }] of trace) {
      expect(siteAxes(site), site).toEqual(Object.keys(shape as Shape));
    }
  });
});

test("names that are no sites have no axes", () => {
  for (const name of [
    "",
    "L0.attn",
    "L0.attn.pre",
    "L0.mlp.pattern",
    "L0.attn.toString",
    "toString",
    "*.read",
  ]) {
    expect(siteAxes(name)).toBeUndefined();
  }
});

test("names and axes of sites are types", () => {
  expectTypeOf<"L11.attn.pattern">().toExtend<SiteName>();
  expectTypeOf<"final.norm">().toExtend<SiteName>();
  expectTypeOf<"L0.attn.patern">().not.toExtend<SitePattern>();
  expectTypeOf<"L0.mlp.pattern">().not.toExtend<SiteName>();
  expectTypeOf<"*.pattern">().toExtend<SitePattern>();
  expectTypeOf<SiteAxes<"L1.attn.pattern">>().toEqualTypeOf<"head" | "pos" | "key_pos">();
  expectTypeOf<SiteAxes<"*.pattern">>().toEqualTypeOf<"head" | "pos" | "key_pos">();
  expectTypeOf<SiteAxes<"embed.token">>().toEqualTypeOf<"pos" | "d_model">();
  expectTypeOf<SiteAxes<"L0.*">>().toEqualTypeOf<string>();
});

const misspelt: readonly (readonly [string, string])[] = [
  ["L0.attn.patern", "L0.attn.pattern"],
  ["L0.atn.pattern", "L0.attn.pattern"],
  ["*.patern", "*.pattern"],
  ["attn.pattern", "L0.attn.pattern"],
  ["embed.tokens", "embed.token"],
];

test.each(misspelt)(
  "%s is refused wherever sites are chosen, and %s named",
  async (site, nearest) => {
    const model = await tiny("gpt2");
    const outline = await outlineModel(tinyModel("gpt2"));
    const error = expect.objectContaining({
      code: "transformer/no-site",
      details: { site, nearest },
      message: expect.stringContaining(`Did you mean "${nearest}"?`),
    });
    const sites = ["L0.attn.write", site];
    expect(() => run(reference, model, TOKENS, { sites })).toThrow(error);
    await expect(storedRun(reference, model, TOKENS, { sites })).rejects.toThrow(error);
    expect(() => traceBytes(outline, TOKENS, { sites })).toThrow(error);
    expect(() => runCost(outline, TOKENS, { sites })).toThrow(error);
  },
);

test("a site that a replaced value hides is told apart from none", async () => {
  const model = await tiny("gpt2");
  const site = "L0.attn.pattern";
  const { trace } = run(reference, model, TOKENS, { sites: [site] });
  const replace = Object.fromEntries(trace);
  expect(() => run(reference, model, TOKENS, { sites: ["L0.attn.score"], replace })).toThrow(
    /does not come by its site "L0.attn.score".*replaced pattern/s,
  );
});

test("the cost of a run counts what it keeps", async () => {
  const outline = await outlineModel(tinyModel("gpt2"));
  const plain = runCost(outline, TOKENS);
  const kept = runCost(outline, TOKENS, { sites: ["*.pattern"] });
  expect(kept.flops).toBe(plain.flops);
  const { heads, layers } = outline.architecture;
  const bytes = layers * heads * TOKENS.length ** 2 * 4;
  expect(kept.peakBytes).toBeGreaterThan(plain.peakBytes);
  expect(kept.peakBytes).toBeLessThanOrEqual(plain.peakBytes + bytes);
  // What each head writes is made only where it is asked for.
  expect(runCost(outline, TOKENS, { sites: ["*.head"] }).flops).toBeGreaterThan(plain.flops);
  expect(runCost(outline, TOKENS, { sites: ["*.pattern"], precision: "f64" }).peakBytes).toBe(
    2 * kept.peakBytes,
  );
});
