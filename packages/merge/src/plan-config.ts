import { tensorLayout } from "@resolvent/transformer";
import type { ModelParts } from "./model-parts.ts";
import { refuse } from "./refuse.ts";

/** Where an output layer comes from. */
export interface LayerOrigin {
  readonly model: string;
  readonly layer: number;
}

/** Fields that config.json calls the number of layers. */
const COUNTS = ["num_hidden_layers", "n_layer", "n_layers"];

/** Fields that hold one value for each layer. */
const LISTS = ["layer_types", "no_rope_layers", "attention_layers", "sliding_window_layers"];

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
  const inner = whole.text_config;
  const nested = typeof inner === "object" && inner !== null && !COUNTS.some((key) => key in whole);
  const own = nested ? (inner as Fields) : whole; // an object, as just checked
  const fields: Fields = {};
  const key = COUNTS.find((one) => one in own) ?? COUNTS[0] ?? "";
  fields[key] = origins.length;
  const moved = origins.length !== donor.layers || origins.some(({ layer }, i) => layer !== i);
  if (moved) Object.assign(fields, movedLists(own, origins, models));
  if (rows !== undefined) fields.vocab_size = rows;
  if (head) fields.tie_word_embeddings = false;
  // What stands beside `text_config` of the tie counts before what stands in it.
  const beside: Fields =
    head && "tie_word_embeddings" in whole ? { tie_word_embeddings: false } : {};
  const changed: Fields = nested ? { ...beside, text_config: fields } : fields;
  if (moved)
    checkSettings(donor, origins, {
      ...whole,
      ...(nested ? { ...beside, text_config: { ...own, ...fields } } : fields),
    });
  return changed;
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
function checkSettings(donor: ModelParts, origins: readonly LayerOrigin[], config: Fields): void {
  const [before = ""] = donor.layout.layerPrefix(0).split("0");
  /** What a tensor of the result is called at its origin: tensors that may be absent came with their layers. */
  const origin = (name: string): string => {
    const rest = name.startsWith(before) ? name.slice(before.length) : "";
    const place = Number.parseInt(rest, 10);
    const from = origins[place];
    return from === undefined ? name : before + from.layer + rest.slice(String(place).length);
  };
  const layout = tensorLayout(config, (name) => donor.model.tensors.has(origin(name)));
  for (const [place, { model, layer }] of origins.entries()) {
    if (layer >= donor.layers) continue;
    if (layout.layer(place).settings === donor.layout.layer(layer).settings) continue;
    throw refuse(
      "layer-settings",
      `Layer ${place} of the result is layer ${layer} of ${model}, and config.json gives these two places different settings (windows, rotations or scales by the layer's number).`,
      "Give `layer_types` in the config.json of the donor, or take layers whose numbers have the same settings.",
      { place, model, layer },
    );
  }
}
