import { define } from "./define.ts";
import type { FigureElement } from "./figure-element.ts";
import { pathsShows } from "./paths-shows.ts";

declare global {
  interface HTMLElementTagNameMap {
    "resolvent-paths": FigureElement;
  }
}

define(pathsShows);
