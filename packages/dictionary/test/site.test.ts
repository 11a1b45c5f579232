import { describe, expect, test } from "vitest";
import { parseSite, siteOfHook, siteText } from "../src/index.ts";
import { codeOf } from "./make.ts";

test.each([
  ["hook_embed", "embed.token"],
  ["hook_pos_embed", "embed.position"],
  ["blocks.3.hook_resid_pre", "L3.attn.read"],
  ["blocks.3.hook_resid_mid", "L3.mlp.read"],
  ["blocks.3.hook_mlp_in", "L3.mlp.read"],
  ["blocks.3.hook_resid_post", "L3.mlp.after"],
  ["blocks.3.hook_attn_out", "L3.attn.write"],
  ["blocks.3.hook_mlp_out", "L3.mlp.write"],
  ["blocks.3.attn.hook_z", "L3.attn.mixed"],
  ["blocks.3.ln2.hook_normalized", "L3.mlp.normalized"],
  ["blocks.3.mlp.hook_in", "L3.mlp.normed"],
  ["model.layers.3.output", "L3.mlp.after"],
  ["model.layers.3.post_feedforward_layernorm.output", "L3.mlp.write"],
  ["model.layers.3.self_attn.o_proj.input", "L3.attn.mixed"],
  ["model.layers.3.pre_feedforward_layernorm.output", "L3.mlp.normed"],
])("%s is %s", (hook, site) => {
  expect(siteOfHook(hook)).toBe(site);
  expect(siteText(parseSite(site))).toBe(site);
});

test("hooks without a layer are those of a set", () => {
  expect(siteOfHook("mlp.hook_in", 4)).toBe("L4.mlp.normed");
  expect(siteOfHook("mlp.hook_out", 4)).toBe("L4.mlp.out");
  expect(siteOfHook("mlp.hook_in")).toBeUndefined();
  expect(siteOfHook("hook_resid_mid", 0)).toBe("L0.mlp.read");
  expect(siteOfHook("constructor", 0)).toBeUndefined();
  expect(siteOfHook("blocks.1.hook_scale")).toBeUndefined();
});

describe("sites as texts", () => {
  test("forms and heads", () => {
    expect(parseSite("L1.mlp.normed")).toEqual({ site: "L1.mlp.read", form: "normed" });
    expect(parseSite("L1.attn.mixed.H3")).toEqual({
      site: "L1.attn.mixed",
      form: "value",
      head: 3,
    });
    expect(siteText(parseSite("L1.attn.mixed.H3"))).toBe("L1.attn.mixed.H3");
  });

  test.each([
    "L0.attn.pattern",
    "L0.mlp.norm",
    "logit",
    "L1.mlp.after.H0",
    "",
    "L1.mlp",
    "L0.attn.key",
  ])("%s is none", async (site) => {
    expect(await codeOf(() => parseSite(site))).toBe("dictionary/no-site");
  });
});
