import type { AnyAnalysis } from "@resolvent/analysis";
import { expand } from "./analyses/expand.ts";
import { paths } from "./analyses/paths.ts";
import { qk } from "./analyses/qk.ts";

/** The analyses of this package, in the order of a list of commands. */
export const expansionAnalyses: readonly AnyAnalysis[] = [expand, paths, qk];
