import type { AnyAnalysis } from "@resolvent/analysis";
import { circuit } from "./analyses/circuit.ts";
import { patch } from "./analyses/patch.ts";

/** The analyses of this package, in the order of a list of commands. */
export const patchingAnalyses: readonly AnyAnalysis[] = [patch, circuit];
