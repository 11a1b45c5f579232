import { promptSetPresentation } from "@resolvent/analysis";
import { expandPresentation } from "@resolvent/expansion/presentations";
import { pathsPresentation } from "@resolvent/paths/presentations";
import type { Shows } from "./known.ts";

/** Bars by degree, of a run or of all paths to an answer; over several prompts their means. */
export const degreesShows: Shows = {
  name: "resolvent-degrees",
  knows: [expandPresentation, pathsPresentation, promptSetPresentation],
  tables: ["degree-target", "degree-term", "path-degree"],
  marks: ["bars"],
};
