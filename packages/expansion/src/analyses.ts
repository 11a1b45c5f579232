import type { AnyAnalysis } from "@resolvent/analysis";
import { circuit } from "./analyses/circuit.ts";
import { expand } from "./analyses/expand.ts";
import { interactionAnalysis } from "./analyses/interactions.ts";
import { patch } from "./analyses/patch.ts";
import { paths } from "./analyses/paths.ts";
import { qk } from "./analyses/qk.ts";
import { series } from "./analyses/series.ts";

/** The analyses of this package, in the order of a list of commands. */
export const expansionAnalyses: readonly AnyAnalysis[] = [
  expand,
  paths,
  qk,
  patch,
  circuit,
  series,
  interactionAnalysis,
];
