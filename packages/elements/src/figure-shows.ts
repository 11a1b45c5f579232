import { promptSetPresentation } from "@resolvent/analysis";
import { expandPresentation, qkPresentation } from "@resolvent/expansion/presentations";
import { pathsPresentation } from "@resolvent/paths/presentations";
import { runPresentation } from "resolvent/presentations";
import type { Shows } from "./known.ts";

/** All views of a result: of any that comes with its tables and views, of some as they are. */
export const figureShows: Shows = {
  name: "resolvent-figure",
  knows: [
    ...[expandPresentation, pathsPresentation, qkPresentation, runPresentation],
    promptSetPresentation,
  ],
};
