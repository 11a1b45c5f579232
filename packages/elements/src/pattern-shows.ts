import { qkPresentation } from "@resolvent/expansion/presentations";
import { runPresentation } from "resolvent/presentations";
import type { Shows } from "./known.ts";

/** Where heads look, and why one looks there. */
export const patternShows: Shows = {
  name: "resolvent-pattern",
  knows: [runPresentation, qkPresentation],
  tables: ["attention", "score-pair", "query-source", "key-source"],
  remedy: "Make it with --attention.",
};
