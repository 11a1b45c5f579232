import { define } from "./define.ts";
import type { FigureElement } from "./figure-element.ts";
import { figureShows } from "./figure-shows.ts";

declare global {
  interface HTMLElementTagNameMap {
    "resolvent-figure": FigureElement;
  }
}

define(figureShows);
