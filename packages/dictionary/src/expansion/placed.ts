import type { Shaped } from "@resolvent/tensor";
import { type BlockPlace, blockPlaces, type Model, type Site } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { checkWidth, type Places, placesOf } from "../place.ts";
import { siteText } from "../site.ts";
import { expansionError } from "./expansion-error.ts";

/**
 * What a dictionary is in an expansion:
 *
 * | role | dictionary | in the expansion |
 * |---|---|---|
 * | `stream` | SAE of the stream | the stream at a point is cut, and becomes sources of degree 0 there |
 * | `write` | SAE of what a block writes | the block is cut, and becomes sources of degree 1 |
 * | `mixed` | SAE of what heads mix (hook_z) | the attention block is cut, its sources pass `W_O` |
 * | `block` | transcoder of an MLP | the MLP is replaced: a node of degree 1, its features steps of paths |
 */
export interface Placed<T extends Shaped> {
  readonly role: "stream" | "write" | "mixed" | "block";
  readonly dictionary: Dictionary<T>;
  readonly places: Places;
  /** What its sources are named after: `L2.mlp.after`, `L1.mlp.write`, `L3.mlp`. */
  readonly name: string;
  /** How many stages of the model lie before its sources enter. */
  readonly enters: number;
  /** The block; undefined of the stream. */
  readonly block: BlockPlace | undefined;
  /** The site that has its sources. */
  readonly site: Site;
  /** The site whose value it stands for: before `W_O`, or before a norm of what the block writes, where it is there. */
  readonly value: Site;
}

/**
 * Where dictionaries stand in an expansion of a model.
 *
 * @throws InputError `dictionary/no-place` for one that is elsewhere, `dictionary/two-places` for two at one block or
 *   two of the stream, `dictionary/no-site`, `dictionary/width`
 */
export function placedIn<T extends Shaped>(
  model: Model<T>,
  dictionaries: readonly Dictionary<T>[],
): Placed<T>[] {
  const placed = dictionaries.map((dictionary) => placeOf(model, dictionary));
  placed.forEach(({ dictionary, role, block }, i) => {
    const other = placed
      .slice(0, i)
      .find((one) => (role === "stream" ? one.role === role : one.block?.name === block?.name));
    if (other === undefined) return;
    const where = block?.name ?? "the stream";
    throw expansionError(
      "dictionary/two-places",
      dictionary,
      `is of ${where}, of which ${other.dictionary.name} is as well`,
    );
  });
  for (const one of placed) checkWidths(model, one);
  return placed;
}

/** Before anything is computed: a dictionary of another model, or of another site. */
function checkWidths<T extends Shaped>(
  { architecture: { d_model, d_head, heads } }: Model<T>,
  { role, dictionary, places: { input, output } }: Placed<T>,
): void {
  const width = role !== "mixed" ? d_model : output.head === undefined ? heads * d_head : d_head;
  checkWidth(dictionary, siteText(input), "d_in", width, dictionary.d_in);
  checkWidth(dictionary, siteText(output), "d_out", width, dictionary.d_out);
}

function placeOf<T extends Shaped>(model: Model<T>, dictionary: Dictionary<T>): Placed<T> {
  const places = placesOf(model, dictionary);
  const { input, output, splice } = places;
  const stages = blockPlaces(model.architecture);
  const all = stages.flat();
  const of = (end: string): BlockPlace | undefined =>
    all.find(({ name }) => splice === `${name}.${end}`);
  const same = input.site === output.site && input.form === output.form;
  const inside = of("mixed");
  const written = of("write") ?? of("out") ?? inside;
  if (written !== undefined) {
    const { name, stage, kind } = written;
    const at = { dictionary, places, block: written, enters: stage + 1 };
    const sites = { site: `${name}.write`, value: splice };
    if (same) {
      return { role: inside ? "mixed" : "write", name: siteText(output), ...at, ...sites };
    }
    if (kind === "mlp" && input.site === `${name}.read`)
      return { role: "block", name, ...at, ...sites };
  }
  const passed = of("after");
  const last = passed && stages[passed.stage]?.at(-1);
  if (same && (splice === "embed" || (passed !== undefined && last?.name === passed.name))) {
    const enters = passed === undefined ? 0 : passed.stage + 1;
    const at = { dictionary, places, name: siteText(output), enters, block: undefined };
    return { role: "stream", ...at, site: splice, value: splice };
  }
  const [from, to] = [siteText(input), siteText(output)];
  throw expansionError(
    "dictionary/no-place",
    dictionary,
    `reads ${from} and writes ${to}, which is no place of sources or of a block`,
  );
}
