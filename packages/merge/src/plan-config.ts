import { isInputError } from "@resolvent/tensor";
import { type TensorLayout, tensorLayout } from "@resolvent/transformer";
import type { ModelParts } from "./model-parts.ts";
import { refuse } from "./refuse.ts";
import { changedConfig } from "./result-config.ts";

/** Where an output layer comes from. */
export interface LayerOrigin {
  readonly model: string;
  readonly layer: number;
}

/** Fields that config.json calls the number of layers. */
const COUNTS = ["num_hidden_layers", "n_layer", "n_layers"];

/** Fields that hold one value for each layer. */
const LISTS = ["layer_types", "no_rope_layers", "attention_layers", "sliding_window_layers"];

/** Further fields that say what a layer of some number is. */
const RULES = ["sliding_window_pattern", "max_window_layers"];

type Fields = Record<string, unknown>;

/**
 * The fields of the result's config that are not the donor's: the number of layers; values by layer, which move with
 * their layers; the size of a built vocabulary; that an unembedding is stored.
 *
 * @throws InputError `merge/layer-settings`
 */
export function planConfig(
  donor: ModelParts,
  origins: readonly LayerOrigin[],
  models: ReadonlyMap<string, ModelParts>,
  { rows, head }: { readonly rows: number | undefined; readonly head: boolean },
): Fields {
  const whole = donor.model.config;
  const own = fieldsOf(whole);
  const nested = own !== whole;
  const lists = movedLists(own, origins, models);
  const moved =
    origins.length !== donor.layers ||
    origins.some(({ layer }, i) => layer !== i) ||
    Object.entries(lists).some(([key, list]) => String(list) !== String(own[key]));
  const fields: Fields = {
    [countIn(own)]: origins.length,
    ...(moved && lists),
    ...(rows !== undefined && { vocab_size: rows }),
    ...(head && { tie_word_embeddings: false }),
  };
  // What stands beside `text_config` of the tie counts before what stands in it.
  const beside: Fields =
    head && "tie_word_embeddings" in whole ? { tie_word_embeddings: false } : {};
  const changed: Fields = nested ? { ...beside, text_config: fields } : fields;
  if (moved || origins.some(({ model }) => model !== donor.name))
    checkSettings(donor, origins, changedConfig(whole, changed), models);
  return changed;
}

/** The fields of the layers, which may stand in `text_config`. */
function fieldsOf(config: Readonly<Fields>): Readonly<Fields> {
  const inner = config.text_config;
  const nested = typeof inner === "object" && inner !== null;
  return nested && !COUNTS.some((key) => key in config) ? (inner as Fields) : config; // an object, as just checked
}

/** What a config calls its number of layers. */
function countIn(fields: Readonly<Fields>): string {
  return COUNTS.find((one) => one in fields) ?? COUNTS[0] ?? "";
}

function movedLists(
  own: Readonly<Fields>,
  origins: readonly LayerOrigin[],
  models: ReadonlyMap<string, ModelParts>,
): Fields {
  const lists = LISTS.filter((key) => Array.isArray(own[key]));
  return Object.fromEntries(
    lists.map((key) => [
      key,
      origins.map(({ model, layer }) => {
        const config: Readonly<Fields> = models.get(model)?.model.config ?? {};
        const from: Fields = { ...Object(config.text_config), ...config }; // either may have it
        const list = from[key] ?? own[key];
        return Array.isArray(list) ? list[layer] : undefined;
      }),
    ]),
  );
}

/** A layer that moves must be at its new place what it was: windows may follow the layer's number. */
function checkSettings(
  donor: ModelParts,
  origins: readonly LayerOrigin[],
  config: Fields,
  models: ReadonlyMap<string, ModelParts>,
): void {
  const [before = ""] = donor.layout.layerPrefix(0).split("0");
  /** Whether a tensor of the result is there at its origin: tensors that may be absent came with their layers. */
  const has = (name: string): boolean => {
    const rest = name.startsWith(before) ? name.slice(before.length) : "";
    const place = Number.parseInt(rest, 10);
    const from = origins[place];
    if (from === undefined) return donor.model.tensors.has(name);
    const there = before + from.layer + rest.slice(String(place).length);
    return (models.get(from.model) ?? donor).model.tensors.has(there);
  };
  const result = tensorLayout(config, has);
  const homes = new Map<string, TensorLayout>();
  for (const [place, { model, layer }] of origins.entries()) {
    const home = homes.get(model) ?? homeOf(models.get(model) ?? donor, donor);
    homes.set(model, home);
    const there = settingsOf(result, place);
    if (there !== undefined && there === settingsOf(home, layer)) continue;
    throw refuse(
      "layer-settings",
      `Layer ${place} of the result is layer ${layer} of ${model}, and config.json gives these two places different settings (windows, rotations or scales by the layer's number).`,
      "Give `layer_types` in the config.json of the donor, or take layers whose numbers have the same settings.",
      { place, model, layer },
    );
  }
}

/** What layers are in their own model, as far as it goes by their number; all else is the donor's, as in the result. */
function homeOf({ model, layers }: ModelParts, { model: { config } }: ModelParts): TensorLayout {
  const [donors, own] = [fieldsOf(config), fieldsOf(model.config)];
  const byLayer = [...LISTS, ...RULES];
  const fields = {
    ...Object.fromEntries(Object.entries(donors).filter(([key]) => !byLayer.includes(key))),
    ...Object.fromEntries(Object.entries(own).filter(([key]) => byLayer.includes(key))),
    [countIn(donors)]: layers,
  };
  const home = donors === config ? fields : { ...config, text_config: fields };
  return tensorLayout(home, (name) => model.tensors.has(name));
}

/** Undefined where a config contradicts itself there: a window, and no size of it. */
function settingsOf(layout: TensorLayout, layer: number): string | undefined {
  try {
    return layout.layer(layer).settings;
  } catch (error) {
    if (!isInputError(error)) throw error;
    return undefined;
  }
}
