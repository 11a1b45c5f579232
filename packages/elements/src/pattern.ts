import { define } from "./define.ts";
import type { FigureElement } from "./figure-element.ts";
import { patternShows } from "./pattern-shows.ts";

declare global {
  interface HTMLElementTagNameMap {
    "resolvent-pattern": FigureElement;
  }
}

define(patternShows);
