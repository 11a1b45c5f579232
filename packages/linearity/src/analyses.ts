import type { AnyAnalysis } from "@resolvent/analysis";
import { jacobianLens } from "./analyses/jacobian-lens.ts";
import { linearity } from "./analyses/linearity.ts";

/** The analyses of this package, in the order of a list of commands. */
export const linearityAnalyses: readonly AnyAnalysis[] = [linearity, jacobianLens];
