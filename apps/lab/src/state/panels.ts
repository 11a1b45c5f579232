/** A panel: what can have the whole screen, or stand in another page. */
export interface Panel {
  /** What the address calls it, and `?embed=`. */
  readonly name: string;
  /** In a few words, for whoever chooses among them. */
  readonly title: string;
  /** What the address has for an analysis where it is shown. */
  readonly on: string;
}

/** The panels of the screen and the tabs, in their order. */
export const PANELS: readonly Panel[] = [
  { name: "degrees", title: "by degree", on: "paths" },
  { name: "routes", title: "where they run", on: "paths" },
  { name: "paths", title: "the largest paths", on: "paths" },
  { name: "path", title: "one path", on: "paths" },
  { name: "heads", title: "the heads", on: "heads-view" },
  { name: "pattern", title: "where a head looks", on: "heads-view" },
  { name: "reasons", title: "why it looks there, and what for", on: "heads-view" },
  { name: "graph", title: "the attribution graph", on: "features-view" },
  { name: "active", title: "active features", on: "features-view" },
  { name: "dictionary", title: "features of a dictionary", on: "features-view" },
  { name: "series", title: "the model as a series", on: "linear-view" },
  { name: "linearity", title: "how linear each block is", on: "linear-view" },
  { name: "compared", title: "two models on a sentence", on: "models-view" },
  { name: "between", title: "between two models", on: "models-view" },
];

/** The panel of that name. */
export function panelOf(name: string): Panel | undefined {
  return PANELS.find((panel) => panel.name === name);
}

/** The panel that any analysis has: it stands on no tab. */
export const RESULT = "result";

/** The panels where the address has that analysis. */
export function panelsOn(analysis: string): readonly Panel[] {
  const own = PANELS.filter(({ on }) => on === analysis);
  return own.length > 0 ? own : [{ name: RESULT, title: "what came out", on: analysis }];
}

/** Whether there is a panel of that name. */
export function isPanel(name: string): boolean {
  return name === RESULT || panelOf(name) !== undefined;
}
