import { type AnyAnalysis, overPrompts } from "@resolvent/analysis";
import { paths } from "./analyses/paths.ts";

/** The analyses of this package. */
export const pathsAnalyses: readonly AnyAnalysis[] = [
  overPrompts(paths, { single: ["path-route"], seen: ["path-agreement"] }),
];
