import { promptSetPresentation } from "@resolvent/analysis";
import { pathsPresentation } from "@resolvent/paths/presentations";
import type { Shows } from "./known.ts";

/** The largest paths: where they run, and what they contribute. */
export const pathsShows: Shows = {
  name: "resolvent-paths",
  knows: [pathsPresentation, promptSetPresentation],
  tables: ["path-route", "path"],
};
