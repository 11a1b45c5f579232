import { define } from "./define.ts";
import { degreesShows } from "./degrees-shows.ts";
import type { FigureElement } from "./figure-element.ts";

declare global {
  interface HTMLElementTagNameMap {
    "resolvent-degrees": FigureElement;
  }
}

define(degreesShows);
