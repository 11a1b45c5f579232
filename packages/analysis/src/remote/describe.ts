import type { ListedAnalysis } from "../analysis.ts";
import { describeParameters } from "../described.ts";
import type { Need } from "../needs.ts";
import type { AnalysisDescription } from "./protocol.ts";

/** All that an analysis says about itself, as plain data: a form, a list and a help text are made from it. */
export function describeAnalysis(analysis: ListedAnalysis): AnalysisDescription {
  const { name, summary, description, params, examples = [], float64 = false } = analysis;
  return {
    ...{ name, summary, description, examples, float64 },
    parameters: describeParameters(params),
    schema: params["~standard"].jsonSchema.input({ target: "draft-2020-12" }),
    needs: needsOf(analysis),
    outline: analysis.needs === "outline",
    ...(analysis.needs === "files" && { files: true }),
  };
}

function needsOf(analysis: ListedAnalysis): readonly Need[] {
  if (analysis.needs === "outline" || analysis.needs === "files") return [];
  const { needs = [], mayNeed = [] } = analysis;
  return typeof needs === "function" ? mayNeed : needs;
}
