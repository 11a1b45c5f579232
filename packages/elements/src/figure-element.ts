declare global {
  // Programs without the types of a page may import this too; with them, it adds nothing.
  interface HTMLElement {}
}

/** What somebody picked in a figure. */
export interface Selection {
  /** The cell that its row is known by: of the view's own `select`, or of the column that names its rows. */
  readonly key: string | null;
  /** The column that names the rows, where the view has no `select`: a degree is no position. */
  readonly column: string | null;
  /** Names of nodes, and positions, words apart by spaces. */
  readonly node: string | null;
  readonly pos: string | null;
}

/** Detail of the event `resolvent-select`, which bubbles out of every figure, and which every figure on the page hears. */
export interface SelectDetail {
  /** The attribute `group` of the figure. */
  readonly group: string;
  /** Null where nothing is picked any more. */
  readonly selection: Selection | null;
}

/**
 * A figure of a result. Attributes: `src`, the address of its JSON; `view`, which figure of several, by number or mark;
 * `group`, figures of the same group light up together; `theme`, `light` or `dark`, by default as the reader likes it.
 */
export interface FigureElement extends HTMLElement {
  /** A result as `--json` prints it, or one with its tables and views; null takes it away. */
  result: unknown;
  /** What is lit, by this figure or by another of its group. */
  selection: Selection | null;
}
