import { InputError } from "@resolvent/tensor";
import { type Fields, fieldsOf, unsupported } from "../fields.ts";
import type { Architecture } from "../model.ts";
import type { RotarySpec } from "../rotary.ts";
import type { Warning } from "../warning.ts";
import { contradiction } from "./keys.ts";
import { type LayerKind, layerKind } from "./layer-types.ts";
import { ropeDoubts, rotaryOf } from "./positions.ts";

type Config = Readonly<Record<string, unknown>>;

/** What the config of the whole says of the text model, in Gemma 3's with images. */
const ofTheWhole = ["bos_token_id", "eos_token_id", "tie_word_embeddings"];

/** The fields of `text_config`, with what stands beside it. */
export function textConfig(config: Config): Config {
  if (config.model_type !== "gemma3") return config;
  const { text_config: text, ...beside } = config;
  if (typeof text !== "object" || text === null || Array.isArray(text)) {
    throw new InputError({
      code: "transformer/bad-config",
      message: `config.json: text_config should be an object, got ${JSON.stringify(text)}.`,
      remedy: "Check that the file belongs to this model.",
      details: { field: "text_config", got: text, expected: "an object" },
    });
  }
  const own = text as Config; // it is an object
  const type = own.model_type ?? "gemma3_text";
  if (type !== "gemma3_text") {
    throw unsupported("gemma3", "text_config.model_type", type, ["gemma3_text"]);
  }
  const whole = ofTheWhole.filter((key) => (config[key] ?? undefined) !== undefined);
  return {
    ...beside,
    ...own,
    ...Object.fromEntries(whole.map((key) => [key, config[key]])),
    model_type: "gemma3",
  };
}

/**
 * Whether a layer has a window: as `layer_types` says, else every other layer of Gemma 2 from the first on, and of Gemma
 * 3 all but each sixth (or as `sliding_window_pattern` has it).
 */
export function kindOfLayer(fields: Fields, a: Architecture, layer: number): LayerKind {
  const said = layerKind(fields, a, layer);
  if (said !== undefined) return said;
  const pattern = fields.family === "gemma2" ? 2 : fields.count("sliding_window_pattern", 6);
  return (layer + 1) % pattern === 0 ? "full_attention" : "sliding_attention";
}

/** How many positions a layer of some kind sees; undefined for all. */
export function windowOf(fields: Fields, kind: LayerKind, layer: number): number | undefined {
  if (kind === "full_attention") return undefined;
  if (fields.has("sliding_window")) return fields.count("sliding_window");
  throw contradiction(
    fields.family,
    `layer ${layer} has sliding attention, and sliding_window is null.`,
  );
}

/** The rotation of layers of a kind. */
export function rotationOf(fields: Fields, a: Architecture, kind: LayerKind): RotarySpec {
  const own = fields.family === "gemma2" ? fields : rotaryFields(fields, kind);
  return rotaryOf(own, a.d_head, a.d_head, "rope_theta");
}

/** What of the rotary fields is not used. */
export function gemmaDoubts(fields: Fields): readonly Warning[] {
  if (fields.family === "gemma2") return ropeDoubts(fields);
  const [full, sliding] = kinds.map((kind) => ropeDoubts(rotaryFields(fields, kind))) as [
    Warning[],
    Warning[],
  ]; // of two
  const said = new Set(full.map(({ message }) => message));
  return [...full, ...sliding.filter(({ message }) => !said.has(message))];
}

const kinds: readonly LayerKind[] = ["full_attention", "sliding_attention"];

/**
 * The rotary fields of Gemma 3 by the kind of a layer: in `rope_parameters`, each kind its own; in older configs layers
 * without windows have `rope_theta` and `rope_scaling`, those with windows `rope_local_base_freq`, unscaled.
 */
function rotaryFields(fields: Fields, kind: LayerKind): Fields {
  const known = views.get(fields)?.[kind];
  if (known !== undefined) return known;
  const parameters = fields.raw("rope_parameters");
  const byKind = kinds.some((one) => Object.hasOwn(Object(parameters), one));
  const full = {
    ...Object.fromEntries(
      ["max_position_embeddings", "rope_theta", "rope_scaling", "rope_parameters"].map((name) => [
        name,
        fields.raw(name),
      ]),
    ),
    ...(byKind && { rope_parameters: partOf(fields, parameters, "full_attention") }),
  };
  const sliding = {
    max_position_embeddings: fields.raw("max_position_embeddings"),
    rope_theta: fields.raw("rope_local_base_freq"),
    ...(byKind && { rope_parameters: partOf(fields, parameters, "sliding_attention") }),
  };
  const view = {
    full_attention: fieldsOf(full, fields.family),
    sliding_attention: fieldsOf(sliding, fields.family),
  };
  views.set(fields, view);
  return view[kind];
}

function partOf(fields: Fields, parameters: unknown, kind: LayerKind): unknown {
  const all = parameters as Config; // it has one of the kinds
  const odd = Object.keys(all).find((key) => !(kinds as readonly string[]).includes(key));
  if (odd !== undefined) {
    throw unsupported(fields.family, `rope_parameters.${odd}`, all[odd], [undefined]);
  }
  return all[kind];
}

/** Views of the fields of a config, made once: tables of rotation are made once for each. */
const views = new WeakMap<Fields, Readonly<Record<LayerKind, Fields>>>();
