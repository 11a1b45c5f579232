import { finiteIn } from "./fields.ts";

/**
 * One number for a layer and a feature of it, as `feature` is written since schema 1:
 * `(l + f)(l + f + 1) / 2 + f`, Cantor's pairing.
 */
export function cantorPair(layer: number, feature: number): number {
  const sum = layer + feature;
  return (sum * (sum + 1)) / 2 + feature;
}

/** The layer and the feature of Cantor's number; exact below 2⁵³. */
export function cantorUnpair(number: number): { readonly layer: number; readonly feature: number } {
  let sum = Math.floor((Math.sqrt(8 * number + 1) - 1) / 2);
  // The root is rounded: one off is seen by what it gives.
  if ((sum * (sum + 1)) / 2 > number) sum--;
  else if (((sum + 1) * (sum + 2)) / 2 <= number) sum++;
  const feature = number - (sum * (sum + 1)) / 2;
  return { layer: sum - feature, feature };
}

/** What is known of a feature beside its number. */
interface Place {
  readonly id: string;
  readonly layer: number | null;
  readonly position: number;
  /** The file's `schema_version`, 0 where it has none. */
  readonly schema: number;
}

/**
 * The index of a feature in its layer, null where a file does not say it. The id says it (`2_88_4`, `2_lor_88_4`);
 * else the number does: Cantor's since schema 1, and before it the layer's digits followed by the index.
 */
export function featureIndex(
  field: unknown,
  { id, layer, position, schema }: Place,
): number | null {
  const parts = id.split("_");
  const [feature = "", pos] = parts.slice(-2);
  if (parts.length >= 3 && parts[0] === String(layer) && pos === String(position)) {
    if (/^\d+$/.test(feature)) return Number(feature);
  }
  const number = finiteIn(field);
  if (number === null || number < 0 || layer === null) return null;
  if (schema >= 1) {
    const pair = cantorUnpair(number);
    return pair.layer === layer ? pair.feature : null;
  }
  const digits = String(number);
  if (layer === 0) return number;
  return digits.startsWith(String(layer)) ? Number(digits.slice(String(layer).length)) : null;
}
