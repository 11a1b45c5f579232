import { inspect } from "./analyses/inspect.ts";
import { run } from "./analyses/run.ts";
import type { AnyAnalysis, AnyOutlineAnalysis } from "./analysis.ts";

/** What a model is and what it says, in the order of a list of commands. */
export const modelAnalyses: readonly (AnyAnalysis | AnyOutlineAnalysis)[] = [inspect, run];
