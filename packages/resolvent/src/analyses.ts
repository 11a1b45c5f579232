import type { AnyAnalysis, AnyOutlineAnalysis } from "@resolvent/analysis";
import { inspect } from "./analyses/inspect.ts";
import { profile } from "./analyses/profile.ts";
import { run } from "./analyses/run.ts";

/** What a model is, what it says, and where its time goes, in the order of a list of commands. */
export const modelAnalyses: readonly (AnyAnalysis | AnyOutlineAnalysis)[] = [inspect, run, profile];
