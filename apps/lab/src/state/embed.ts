import type { Place } from "./fragment.ts";
import { PANELS, type Panel, panelOf, RESULT } from "./panels.ts";

/** What an address asks to be shown alone, in another page. */
export type Embed =
  | { readonly panel: string }
  /** It asks for what there is not: a sentence, and what there is. */
  | { readonly message: string; readonly there: readonly Panel[] };

/** What the query of an address asks to be shown alone; undefined where it asks for all of the lab. */
export function embedOf(search: string): Embed | undefined {
  const asked = new URLSearchParams(search).get("embed");
  if (asked === null) return undefined;
  const there: readonly Panel[] = [
    ...PANELS,
    { name: RESULT, title: "what any other analysis has found", on: "" },
  ];
  if (there.some(({ name }) => name === asked)) return { panel: asked };
  // What somebody has typed is shown as text, and not all of it.
  return { message: `There is no panel “${asked.slice(0, 40)}” to be shown alone.`, there };
}

/** A place that has a panel: the same, on the tab where the panel is. */
export function placeWith(place: Place, panel: string): Place {
  const on = panelOf(panel)?.on;
  return on === undefined || place.analysis === on ? place : { ...place, analysis: on, values: {} };
}

/** The address of a panel alone, and of all of the lab with the same question. */
export function embedAddress(
  { origin, pathname, hash }: Pick<Location, "origin" | "pathname" | "hash">,
  panel: string | null,
): string {
  return `${origin}${pathname}${panel === null ? "" : `?embed=${panel}`}${hash}`;
}
