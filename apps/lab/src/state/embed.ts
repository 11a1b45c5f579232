import { fragmentOf, placeOf } from "./fragment.ts";
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

/** A fragment that has a panel: that of an address, on the tab where the panel is. */
export function fragmentWith(fragment: string, panel: string): string {
  const read = placeOf(fragment);
  const on = panelOf(panel)?.on;
  if ("message" in read || on === undefined || read.place.analysis === on)
    return fragment.replace(/^#/, "");
  return fragmentOf({ ...read.place, analysis: on, values: {} });
}

/** The address of a panel alone, and of all of the lab with the same question. */
export function embedAddress(
  { origin, pathname, hash }: Pick<Location, "origin" | "pathname" | "hash">,
  panel: string | null,
): string {
  return `${origin}${pathname}${panel === null ? "" : `?embed=${panel}`}${hash}`;
}

/** Pixels of a frame for a panel, before it says how tall it is. */
const [WIDTH, HEIGHT] = [720, 480];

/** What another page has to have for a panel to stand in it. */
export function embedHtml(location: Parameters<typeof embedAddress>[0], panel: string): string {
  const title = `Resolvent: ${panelOf(panel)?.title ?? "a result"}`;
  return `<iframe src="${escaped(embedAddress(location, panel))}" width="${WIDTH}" height="${HEIGHT}" title="${escaped(title)}" loading="lazy"></iframe>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
