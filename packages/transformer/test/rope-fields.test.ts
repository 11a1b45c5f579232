import { type InputError, isInputError, reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blocksOf, loadModel, type RotarySpec } from "../src/index.ts";
import { configOf, withConfig } from "./folders.ts";

const dims = 8; // of a head of the tiny Llama
const base = 10000;
const context = 64; // max_position_embeddings

interface Rope {
  readonly spec: RotarySpec | undefined;
  readonly warnings: readonly string[];
}

/** The rotation of a tiny model with some fields of its config changed, and what is said of them. */
async function ropeOf(fields: object, family = "llama"): Promise<Rope> {
  const folder = tinyModel(family);
  const config = { ...(await configOf(folder)), ...fields };
  const model = await loadModel(reference, withConfig(folder, config), { hash: false });
  const block = blocksOf(model)[0];
  return {
    spec: block?.kind === "attn" ? block.rotary : undefined,
    warnings: (model.warnings ?? []).map(({ message }) => message),
  };
}

async function errorOf(fields: object, family?: string): Promise<InputError> {
  const error: unknown = await ropeOf(fields, family).catch((e: unknown) => e);
  if (!isInputError(error)) throw new Error(`Expected an input error, got ${error}.`);
  return error;
}

const plain = Array.from({ length: dims / 2 }, (_, i) => base ** ((-2 * i) / dims));

/** A number, 0, null or nothing under each name. */
type Given = Readonly<Record<string, number | boolean | null | undefined>>;

/** YaRN as the reference implementation's few lines have it: what is falsy counts as it does in Python. */
function yarnByHand(given: Given): { frequencies: number[]; amplitude: number } {
  const original = Number(given.original_max_position_embeddings ?? context);
  const factor = Number(given.factor ?? context / original);
  const size = (m: number): number => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  const { mscale, mscale_all_dim, attention_factor } = given;
  const usual = mscale && mscale_all_dim ? size(+mscale) / size(+mscale_all_dim) : size(1);
  const amplitude = attention_factor ?? usual;
  const at = (turns: number): number =>
    (dims * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const { truncate = true } = given;
  let low = at(Number(given.beta_fast || 32));
  let high = at(Number(given.beta_slow || 1));
  if (truncate) [low, high] = [Math.floor(low), Math.ceil(high)];
  [low, high] = [Math.max(low, 0), Math.min(high, dims - 1)];
  if (low === high) high += 0.001;
  const frequencies = plain.map((f, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return (f / factor) * ramp + f * (1 - ramp);
  });
  return { frequencies, amplitude: Number(amplitude) };
}

describe("yarn", () => {
  const common = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 16 };

  test.each<Given>([
    { mscale: 0.7, mscale_all_dim: 0 },
    { mscale: 0, mscale_all_dim: 0.7 },
    { mscale: 0, mscale_all_dim: 0 },
    { mscale: 0.7, mscale_all_dim: null },
    { mscale: 0.7 },
    { mscale_all_dim: 1 },
    { beta_fast: 0 },
    { beta_slow: 0 },
    { beta_fast: null, beta_slow: null },
    { attention_factor: null },
    {},
  ])("%o: 0, null and nothing are one, the amplitude 0.1 ln 4 + 1", async (fields) => {
    const { spec, warnings } = await ropeOf({ rope_scaling: { ...common, ...fields } });
    expect(spec).toEqual((await ropeOf({ rope_scaling: common })).spec);
    expect(spec?.amplitude).toBeNear(1.1386294361119891);
    expect(warnings).toEqual([]);
  });

  test.each<[fields: Given, amplitude: number]>([
    [{ mscale: 0.7, mscale_all_dim: 0.5 }, (0.07 * Math.log(4) + 1) / (0.05 * Math.log(4) + 1)],
    [{ mscale: 1, mscale_all_dim: 1 }, 1],
    [{ attention_factor: 0 }, 0],
    [{ attention_factor: 0.5, mscale: 2, mscale_all_dim: 1 }, 0.5],
    [{ factor: 1, mscale: 2, mscale_all_dim: 1 }, 1],
    [{ factor: 0.5 }, 1],
    [{ factor: null }, 0.1 * Math.log(4) + 1],
  ])("%o: the amplitude is %d", async (fields, amplitude) => {
    const { spec } = await ropeOf({ rope_scaling: { ...common, ...fields } });
    expect(spec?.amplitude).toBeNear(amplitude);
  });

  test("any fields give what the reference implementation's lines give", async () => {
    const number = fc.double({ min: 0.01, max: 40, noNaN: true });
    const field = fc.option(fc.oneof(fc.constant(0), number), { nil: null });
    const fields = fc.record(
      {
        factor: fc.option(fc.double({ min: 0.5, max: 64, noNaN: true }), { nil: null }),
        original_max_position_embeddings: fc.option(fc.integer({ min: 1, max: 4096 }), {
          nil: null,
        }),
        mscale: field,
        mscale_all_dim: field,
        attention_factor: field,
        beta_fast: field,
        beta_slow: field,
        truncate: fc.constantFrom(true, false, null),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fields, async (given) => {
        const { spec } = await ropeOf({ rope_scaling: { rope_type: "yarn", ...given } });
        const right = yarnByHand(given);
        expect(spec?.frequencies).toBeNear(right.frequencies, { rtol: 1e-12 });
        expect(spec?.amplitude).toBeNear(right.amplitude, { rtol: 1e-12 });
      }),
      { numRuns: 150 },
    );
  });

  test("the context before it was stretched may stand beside the scaling's fields, and then counts", async () => {
    const { original_max_position_embeddings, ...rest } = common;
    const inside = await ropeOf({ rope_scaling: common });
    const outside = { rope_scaling: rest, original_max_position_embeddings };
    expect((await ropeOf(outside)).spec).toEqual(inside.spec);
    const both = { rope_scaling: { ...common, original_max_position_embeddings: 2 } };
    expect((await ropeOf({ ...both, original_max_position_embeddings })).spec).toEqual(inside.spec);
  });
});

describe("where the fields stand", () => {
  const scaling = { factor: 2.5, type: "linear" };
  const right = plain.map((f) => f / 2.5);

  test.each<[what: string, fields: object]>([
    ["rope_scaling with type", { rope_scaling: scaling }],
    ["rope_scaling with rope_type", { rope_scaling: { factor: 2.5, rope_type: "linear" } }],
    ["both names of the type", { rope_scaling: { ...scaling, rope_type: "linear" } }],
    ["rope_parameters", { rope_parameters: scaling }],
    ["beside an empty rope_scaling", { rope_scaling: {}, rope_parameters: scaling }],
    ["beside a null rope_scaling", { rope_scaling: null, rope_parameters: scaling }],
    ["the base inside", { rope_theta: 7, rope_parameters: { ...scaling, rope_theta: base } }],
  ])("%s", async (_what, fields) => {
    const { spec, warnings } = await ropeOf(fields);
    expect(spec?.frequencies).toBeNear(right);
    expect(warnings).toEqual([]);
  });

  test("rope_scaling comes before rope_parameters, which is then said to be unused", async () => {
    const { spec, warnings } = await ropeOf({
      rope_scaling: scaling,
      rope_parameters: { rope_type: "linear", factor: 7 },
    });
    expect(spec?.frequencies).toBeNear(right);
    expect(warnings).toEqual([expect.stringContaining("rope_parameters")]);
  });

  test.each<[fields: object, frequencies: readonly number[]]>([
    [{ rope_scaling: { rope_type: "dynamic", factor: 4 } }, plain],
    [{ rope_parameters: { rope_type: "default", rope_theta: base } }, plain],
    [{ rope_scaling: {} }, plain],
    [{ rope_parameters: { rope_theta: 100 } }, [1, 100 ** -0.25, 0.1, 100 ** -0.75]],
    [{ rope_parameters: { partial_rotary_factor: 0.5 } }, [1, 0.01]],
    [{ partial_rotary_factor: 0.5 }, [1, 0.01]],
  ])("%o", async (fields, frequencies) => {
    expect((await ropeOf(fields)).spec?.frequencies).toBeNear(frequencies);
  });

  test.each<[family: string, fields: object]>([
    ["llama", { partial_rotary_factor: 0 }],
    ["llama", { rope_parameters: { partial_rotary_factor: 0 } }],
    ["gpt_neox", { rotary_pct: 0 }],
    ["gpt_neox", { rope_parameters: { partial_rotary_factor: 0 } }],
    ["gpt_neox", { rotary_pct: undefined, partial_rotary_factor: 0 }],
  ])("%s %o turns nothing", async (family, fields) => {
    expect((await ropeOf(fields, family)).spec).toBeUndefined();
  });

  test("GPT-NeoX has the second names of later versions", async () => {
    const { spec } = await ropeOf({}, "gpt_neox");
    const later = { rotary_pct: undefined, partial_rotary_factor: 0.5, rope_theta: base };
    expect((await ropeOf(later, "gpt_neox")).spec).toEqual(spec);
    const newest = { rope_parameters: { partial_rotary_factor: 0.5, rope_theta: base } };
    expect((await ropeOf({ ...newest, rotary_pct: undefined }, "gpt_neox")).spec).toEqual(spec);
    const error = await errorOf({ partial_rotary_factor: 0.25 }, "gpt_neox");
    expect(error.message).toContain("rotary_pct should be the same as partial_rotary_factor");
  });
});

describe("what is not understood", () => {
  test.each<[fields: object, field: string]>([
    [{ rope_scaling: { rope_type: "longrope", short_factor: [1] } }, "rope_scaling.rope_type"],
    [{ rope_scaling: { type: "su" } }, "rope_scaling.rope_type"],
    [{ rope_parameters: { rope_type: "proportional" } }, "rope_parameters.rope_type"],
    [{ rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] } }, "rope_scaling.rope_type"],
    [{ rope_scaling: { type: "default", mrope_section: [1, 1, 2] } }, "rope_scaling.mrope_section"],
    [
      { rope_parameters: { full_attention: { rope_theta: 1e6 } } },
      "rope_parameters.full_attention",
    ],
    [
      { rope_scaling: { type: "yarn", factor: 4, llama_4_scaling_beta: 0.1 } },
      "rope_scaling.llama_4_scaling_beta",
    ],
  ])("%o is refused", async (fields, field) => {
    const error = await errorOf(fields);
    expect(error.code).toBe("transformer/unsupported-config");
    expect(error.details.field).toBe(field);
  });

  test("two types are a contradiction", async () => {
    const error = await errorOf({ rope_scaling: { rope_type: "linear", type: "yarn", factor: 2 } });
    expect(error.code).toBe("transformer/bad-config");
    expect(error.message).toContain(
      'rope_scaling.rope_type is "linear", and rope_scaling.type "yarn"',
    );
  });

  test.each<[fields: object, named: string]>([
    [{ rope_scaling: { factor: 2 } }, "rope_scaling.factor"],
    [{ rope_scaling: { type: "linear", factor: 2, mscale: 1 } }, "rope_scaling.mscale"],
    [{ rope_parameters: { rope_type: "default", trick: 1 } }, "rope_parameters.trick"],
    [{ rope_scaling: { type: "dynamic", factor: 2, alpha: 1000 } }, "rope_scaling.alpha"],
  ])("%o is named", async (fields, named) => {
    expect((await ropeOf(fields)).warnings).toEqual([expect.stringContaining(named)]);
  });
});
