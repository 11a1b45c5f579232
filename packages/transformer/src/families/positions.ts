import { InputError } from "@resolvent/tensor";
import { type Fields, unsupported } from "../fields.ts";
import type { RotarySpec } from "../rotary.ts";
import { someNames, type Warning } from "../warning.ts";
import { contradiction } from "./keys.ts";

/**
 * The rotation of a Hugging Face config: plain, or scaled by `linear`, `dynamic`, `llama3` or `yarn`.
 *
 * @param d_head entries of a head
 * @param dims how many of them are rotated
 * @param base the field that holds the base of the frequencies, 10000 where it is absent
 */
export function rotaryOf(
  fields: Fields,
  d_head: number,
  dims: number,
  base: string,
  pairing: RotarySpec["pairing"] = "half",
): RotarySpec {
  const known = specs.get(fields);
  if (known !== undefined) return known;
  if (dims % 2 !== 0 || dims > d_head) {
    const expected = `an even number up to ${d_head}`;
    throw unsupported(fields.family, "rotary dimensions", dims, [expected]);
  }
  const spec = { pairing, ...makeSpec(fields, dims, base) };
  if (![...spec.frequencies, spec.amplitude].every(Number.isFinite)) {
    throw new InputError({
      code: "transformer/bad-config",
      message: `config.json: its rotary settings give the frequencies ${spec.frequencies.join(", ")} and the amplitude ${spec.amplitude}.`,
      remedy: "Check that the file belongs to this model.",
      details: { family: fields.family, ...spec },
    });
  }
  specs.set(fields, spec);
  return spec;
}

/** One rotation for all layers of a model, so that its table is made once. */
const specs = new WeakMap<Fields, RotarySpec>();

/** The fields of each kind of scaling, beside `rope_type`, `rope_theta` and `partial_rotary_factor`. */
const kinds = {
  default: [],
  linear: ["factor"],
  dynamic: ["factor", "original_max_position_embeddings"],
  llama3: ["factor", "high_freq_factor", "low_freq_factor", "original_max_position_embeddings"],
  yarn: [
    ...["attention_factor", "beta_fast", "beta_slow", "factor", "finetuned", "mscale"],
    ...["mscale_all_dim", "original_max_position_embeddings", "truncate"],
  ],
} as const;

/** The field that holds the scaling: `rope_scaling`, or in newer configs `rope_parameters`, which holds the base too. */
function ropeName(fields: Fields): "rope_scaling" | "rope_parameters" {
  const value = fields.raw("rope_scaling");
  const empty = typeof value === "object" && Object.keys(Object(value)).length === 0;
  return value === undefined || empty ? "rope_parameters" : "rope_scaling";
}

/** The fields of the scaling, where there are any. */
export function ropeFields(fields: Fields): Fields | undefined {
  return fields.inside(ropeName(fields));
}

/** What of the rotary fields is not used; throws for what cannot be left out. */
export function ropeDoubts(fields: Fields): Warning[] {
  const scaling = ropeFields(fields);
  if (scaling === undefined) return [];
  const name = ropeName(fields);
  const kind = kindOf(fields, scaling);
  const own = fields.raw(name) as Readonly<Record<string, unknown>>; // `inside` has checked it
  const known: readonly string[] = [
    ...["rope_type", "type", "rope_theta", "partial_rotary_factor"],
    ...kinds[kind],
  ];
  const odd = Object.keys(own).filter((key) => !known.includes(key) && scaling.has(key));
  const deep = odd.find((key) => typeof own[key] === "object" || /^mrope_|_beta$/.test(key));
  if (deep !== undefined) {
    throw unsupported(fields.family, `${name}.${deep}`, own[deep], [undefined]);
  }
  const unread = [
    ...odd.map((key) => `${name}.${key}`),
    ...(name === "rope_scaling" && fields.has("rope_parameters") ? ["rope_parameters"] : []),
  ];
  if (unread.length === 0) return [];
  return [
    {
      code: "unused-rope-fields",
      message: `config.json has rotary fields that ${kind} scaling does not use: ${someNames(unread)}.`,
    },
  ];
}

function kindOf(fields: Fields, scaling: Fields): keyof typeof kinds {
  const [now, old] = [scaling.has("rope_type"), scaling.has("type")];
  const kind = now ? scaling.text("rope_type") : scaling.text("type", "default");
  const name = ropeName(fields);
  if (now && old && scaling.text("type") !== kind) {
    throw contradiction(
      fields.family,
      `${name}.rope_type is ${JSON.stringify(kind)}, and ${name}.type ${JSON.stringify(scaling.text("type"))}.`,
    );
  }
  if (Object.hasOwn(kinds, kind)) return kind as keyof typeof kinds; // it is one of them
  throw unsupported(fields.family, `${name}.rope_type`, kind, Object.keys(kinds));
}

type Rotation = Omit<RotarySpec, "pairing">;

function makeSpec(fields: Fields, dims: number, baseName: string): Rotation {
  const scaling = ropeFields(fields);
  const base = scaling?.has("rope_theta")
    ? scaling.positive("rope_theta")
    : fields.positive(baseName, 10000);
  const plain = Array.from({ length: dims / 2 }, (_, i) => base ** (-(2 * i) / dims));
  if (scaling === undefined) return { frequencies: plain, amplitude: 1 };
  switch (kindOf(fields, scaling)) {
    case "default":
    // Dynamic scaling only changes inputs longer than the context, which are refused.
    case "dynamic":
      return { frequencies: plain, amplitude: 1 };
    case "linear": {
      const factor = scaling.positive("factor");
      return { frequencies: plain.map((f) => f / factor), amplitude: 1 };
    }
    case "llama3":
      return { frequencies: llama3(fields, scaling, plain), amplitude: 1 };
    case "yarn":
      return yarn(fields, scaling, plain, base);
  }
}

/** The context before it was stretched: beside the scaling's own fields (as Phi has it), in them, or not said. */
function originalContext(fields: Fields, scaling: Fields): number {
  const name = "original_max_position_embeddings";
  if (fields.has(name)) return fields.count(name);
  return scaling.has(name) ? scaling.count(name) : fields.count("max_position_embeddings");
}

/** Llama 3.1's scaling: long wavelengths are stretched, short ones kept, between them a blend. */
function llama3(fields: Fields, scaling: Fields, plain: readonly number[]): number[] {
  const factor = scaling.positive("factor");
  const low = scaling.number("low_freq_factor");
  const high = scaling.number("high_freq_factor");
  const original = originalContext(fields, scaling);
  return plain.map((f) => {
    const turns = (original * f) / (2 * Math.PI);
    if (turns < low) return f / factor;
    if (turns > high) return f;
    const smooth = (turns - low) / (high - low);
    return ((1 - smooth) * f) / factor + smooth * f;
  });
}

/**
 * YaRN (Peng et al. 2023, §3): a ramp between kept and stretched frequencies, and an amplitude. As in the reference
 * implementation, a 0 in `mscale`, `mscale_all_dim`, `beta_fast` or `beta_slow` is as good as nothing.
 */
function yarn(fields: Fields, scaling: Fields, plain: readonly number[], base: number): Rotation {
  const dims = 2 * plain.length;
  const original = originalContext(fields, scaling);
  const factor = scaling.has("factor")
    ? scaling.positive("factor")
    : fields.count("max_position_embeddings") / original;
  const magnitude = (m = 1): number => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  const mscale = scaling.number("mscale", 0);
  const mscaleAll = scaling.number("mscale_all_dim", 0);
  const both = mscale !== 0 && mscaleAll !== 0;
  const usual = both ? magnitude(mscale) / magnitude(mscaleAll) : magnitude();
  const amplitude = scaling.number("attention_factor", usual);
  const dimAt = (turns: number): number =>
    (dims * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const own = Object(fields.raw(ropeName(fields))); // `inside` has checked that it is an object
  const whole = own.truncate === null ? false : scaling.flag("truncate", true); // null is not absent
  const rawLow = dimAt(scaling.number("beta_fast", 32) || 32);
  const rawHigh = dimAt(scaling.number("beta_slow", 1) || 1);
  const low = Math.max(whole ? Math.floor(rawLow) : rawLow, 0);
  const high = Math.min(whole ? Math.ceil(rawHigh) : rawHigh, dims - 1);
  const width = low === high ? 0.001 : high - low; // the reference implementation's guard
  const frequencies = plain.map((f, i) => {
    const stretch = Math.min(1, Math.max(0, (i - low) / width));
    return (f / factor) * stretch + f * (1 - stretch);
  });
  return { frequencies, amplitude };
}
