import { type Fields, unsupported } from "../fields.ts";
import type { Architecture } from "../model.ts";
import { contradiction } from "./keys.ts";

/** Whether attention of a layer sees all earlier positions or the latest ones. */
export type LayerKind = "full_attention" | "sliding_attention";

/** What `layer_types` of a config says of a layer; undefined where it is absent. */
export function layerKind(
  fields: Fields,
  { layers }: Pick<Architecture, "layers">,
  layer: number,
): LayerKind | undefined {
  if (!fields.has("layer_types")) return undefined;
  const kinds = fields.raw("layer_types");
  const kind: unknown = Array.isArray(kinds) ? kinds[layer] : undefined;
  if (kind !== "full_attention" && kind !== "sliding_attention") {
    const supported = ["full_attention", "sliding_attention"];
    throw unsupported(fields.family, `layer_types[${layer}]`, kind, supported);
  }
  if (Array.isArray(kinds) && kinds.length !== layers) {
    throw contradiction(
      fields.family,
      `layer_types has ${kinds.length} entries for ${layers} layers.`,
    );
  }
  return kind;
}
