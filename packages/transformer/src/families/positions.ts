import { InputError } from "@resolvent/tensor";
import { type Fields, unsupported } from "../fields.ts";
import type { RotarySpec } from "../rotary.ts";

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
  const spec = makeSpec(fields, dims, base, pairing);
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

function makeSpec(
  fields: Fields,
  dims: number,
  baseName: string,
  pairing: RotarySpec["pairing"],
): RotarySpec {
  // Newer configs keep base and scaling together in rope_parameters.
  const scaling = fields.inside("rope_parameters") ?? fields.inside("rope_scaling");
  const base = scaling?.has("rope_theta")
    ? scaling.positive("rope_theta")
    : fields.positive(baseName, 10000);
  const pairs = dims / 2;
  const plain = Array.from({ length: pairs }, (_, i) => base ** (-(2 * i) / dims));
  const done = (frequencies: readonly number[], amplitude = 1): RotarySpec => ({
    frequencies,
    pairing,
    amplitude,
  });
  if (scaling === undefined) return done(plain);

  const kinds = ["default", "linear", "dynamic", "llama3", "yarn"] as const;
  const kind = scaling.has("rope_type")
    ? scaling.text("rope_type")
    : scaling.text("type", "default");
  switch (kind) {
    case "default":
    // Dynamic scaling only changes inputs longer than the context, which are refused.
    case "dynamic":
      return done(plain);
    case "linear": {
      const factor = scaling.positive("factor");
      return done(plain.map((f) => f / factor));
    }
    case "llama3":
      return done(llama3(scaling, plain));
    case "yarn":
      return yarn(fields, scaling, plain, base, dims, done);
    default:
      throw unsupported(fields.family, "rope_scaling.rope_type", kind, kinds);
  }
}

/** Llama 3.1's scaling: long wavelengths are stretched, short ones kept, between them a blend. */
function llama3(scaling: Fields, plain: readonly number[]): number[] {
  const factor = scaling.positive("factor");
  const low = scaling.number("low_freq_factor");
  const high = scaling.number("high_freq_factor");
  const original = scaling.count("original_max_position_embeddings");
  return plain.map((f) => {
    const turns = (original * f) / (2 * Math.PI);
    if (turns < low) return f / factor;
    if (turns > high) return f;
    const smooth = (turns - low) / (high - low);
    return ((1 - smooth) * f) / factor + smooth * f;
  });
}

/** YaRN (Peng et al. 2023, §3): a ramp between kept and stretched frequencies, and an amplitude. */
function yarn(
  fields: Fields,
  scaling: Fields,
  plain: readonly number[],
  base: number,
  dims: number,
  done: (frequencies: readonly number[], amplitude: number) => RotarySpec,
): RotarySpec {
  const factor = scaling.positive("factor");
  const original = scaling.count(
    "original_max_position_embeddings",
    fields.count("max_position_embeddings"),
  );
  const magnitude = (scale: number, m = 1): number =>
    scale <= 1 ? 1 : 0.1 * m * Math.log(scale) + 1;
  let amplitude = magnitude(factor);
  if (scaling.has("attention_factor")) amplitude = scaling.number("attention_factor");
  else if (scaling.has("mscale") && scaling.has("mscale_all_dim")) {
    amplitude =
      magnitude(factor, scaling.number("mscale")) /
      magnitude(factor, scaling.number("mscale_all_dim"));
  }
  const dimAt = (turns: number): number =>
    (dims * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const whole = scaling.flag("truncate", true);
  const rawLow = dimAt(scaling.number("beta_fast", 32));
  const rawHigh = dimAt(scaling.number("beta_slow", 1));
  const low = Math.max(whole ? Math.floor(rawLow) : rawLow, 0);
  const high = Math.min(whole ? Math.ceil(rawHigh) : rawHigh, dims - 1);
  const width = low === high ? 0.001 : high - low; // the reference implementation's guard
  const frequencies = plain.map((f, i) => {
    const stretch = Math.min(1, Math.max(0, (i - low) / width));
    return (f / factor) * stretch + f * (1 - stretch);
  });
  return done(frequencies, amplitude);
}
