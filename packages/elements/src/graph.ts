import { define } from "./define.ts";
import type { FigureElement } from "./figure-element.ts";
import { graphShows } from "./graph-shows.ts";

declare global {
  interface HTMLElementTagNameMap {
    "resolvent-graph": FigureElement;
  }
}

define(graphShows);
