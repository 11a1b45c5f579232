import type { Table, View } from "@resolvent/analysis";
import { layout, svgNode } from "@resolvent/figures";
import { element, svgElement } from "./dom.ts";
import type { Selection } from "./figure-element.ts";
import { isLit, type Mark, marksOf, rowsOf, selectable, selectionOf } from "./mark.ts";
import { stepTo } from "./step.ts";
import { tooLarge } from "./too-large.ts";

/** A view in an element. */
export interface FigureView {
  readonly figure: HTMLElement;
  /** Lights up what belongs to a selection. */
  light(selection: Selection | null): void;
  /** The mark that tab goes to, and whether it has the focus. */
  place(): Place;
  /** Goes on where another drawing of the same view was left. */
  resume(place: Place): void;
}

interface Place {
  readonly at: number;
  readonly focused: boolean;
}

/** What would only get longer is not drawn wider than this, in pixels. */
const ENOUGH = 700;
const LONG: readonly View["mark"][] = ["bars", "dots", "lines", "scatter", "slope"];
/** Below this, in pixels, tokens stand one below the other: side by side they would have no room. */
const NARROW = 500;

/** A view with its title, drawn at a width, whose marks can be picked. */
export function figureView(
  given: View,
  tables: readonly Table[],
  {
    width,
    id,
    pick,
  }: {
    readonly width: number;
    readonly id: string;
    readonly pick: (selection: Selection | null) => void;
  },
): FigureView {
  const { view, column } = selectable(given);
  const table = tables.find(({ kind }) => kind === view.table);
  const refused = tooLarge(view, table);
  if (refused !== undefined) return notDrawn(view.title ?? table?.title ?? view.table, refused);
  const wide = LONG.includes(view.mark) ? Math.min(width, ENOUGH) : width;
  const drawing = layout(view, tables, { width: wide, turned: width < NARROW });
  const svg = svgElement(svgNode(drawing, { id }));
  // Its title and description come first.
  const shapes = [...svg.children].slice(2) as SVGElement[]; // made of shapes of SVG
  const marks = marksOf(drawing.shapes);
  const rows = rowsOf(view, column, table);
  const places = marks.map((mark) => ({
    mark,
    elements: mark.shapes.flatMap((i) => shapes[i] ?? []),
    focus: shapes[mark.focus],
  }));
  const scroll = element("div", "scroll", svg);
  if (marks.length > 0) svg.setAttribute("role", "group");
  else if (drawing.width > width) scroll.tabIndex = 0;
  let lit: Selection | null = null;
  const light = (selection: Selection | null): void => {
    lit = selection;
    const on = places.map(({ mark }) => selection !== null && isLit(mark, rows, selection));
    // What has nothing to do with it stays as it is.
    svg.classList.toggle("some", on.includes(true));
    places.forEach(({ elements, focus }, i) => {
      for (const one of elements) one.classList.toggle("lit", on[i] === true);
      focus?.setAttribute("aria-pressed", String(on[i] === true));
    });
  };
  let at = 0;
  const rove = (to: number, focused: boolean): void => {
    at = to;
    for (const [i, { focus }] of places.entries())
      focus?.setAttribute("tabindex", i === to ? "0" : "-1");
    if (focused) places[to]?.focus?.focus();
  };
  const indexOf = (target: EventTarget | null): number =>
    target instanceof Element
      ? places.findIndex(({ elements }) => elements.some((one) => one.contains(target)))
      : -1;
  const toggle = (mark: Mark): void => {
    const own = lit !== null && isLit(mark, rows, lit) && sameMark(mark, lit);
    pick(own ? null : selectionOf(mark, column));
  };
  for (const { mark, elements, focus } of places) {
    for (const one of elements) one.setAttribute("data-mark", "");
    focus?.setAttribute("role", "button");
    focus?.setAttribute("aria-label", mark.words);
  }
  svg.addEventListener("click", ({ target }) => {
    const picked = indexOf(target);
    const mark = marks[picked];
    if (mark === undefined) return pick(null);
    rove(picked, false);
    toggle(mark);
  });
  svg.addEventListener("keydown", (event) => {
    const from = indexOf(event.target);
    const mark = marks[from];
    if (mark === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const { key } = event;
    if (key === "Enter" || key === " ") toggle(mark);
    else if (key === "Escape") pick(null);
    else {
      const to = stepTo(key, from, {
        count: marks.length,
        boxes: () => places.map(({ focus }) => focus?.getBoundingClientRect()),
        around: view.mark === "grid" || view.mark === "graph" || view.mark === "scatter",
      });
      if (to === undefined) return;
      rove(to, true);
    }
    event.preventDefault();
  });
  rove(0, false);
  light(null);
  const caption = captionOf(drawing.title, view.note);
  return {
    figure: element("figure", "", caption, scroll),
    light,
    place: () => ({ at, focused: places[at]?.focus?.matches(":focus") === true }),
    resume: (place) => {
      if (place.at < marks.length) rove(place.at, place.focused);
    },
  };
}

function captionOf(title: string, note?: string): HTMLElement {
  const caption = element("figcaption", "", element("h3", "", title));
  if (note !== undefined)
    caption.append(element("p", "note", note.replace(/(\d) %/g, "$1\u00a0%")));
  return caption;
}

/** In place of a view: why there is none. Its table is there. */
function notDrawn(title: string, why: string): FigureView {
  return {
    figure: element("figure", "", captionOf(title, why)),
    light: () => {},
    place: () => ({ at: 0, focused: false }),
    resume: () => {},
  };
}

/** Whether a selection was made at this mark, and does not only belong to it. */
function sameMark({ refers }: Mark, { key, node, pos }: Selection): boolean {
  return (
    (refers.key ?? null) === key && (refers.node ?? null) === node && (refers.pos ?? null) === pos
  );
}
