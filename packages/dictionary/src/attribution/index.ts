export {
  type AttributionOptions,
  attributionGraph,
  type ExplainedLogit,
  type PromptGraph,
} from "./attribution-graph.ts";
export type { ChosenLogit, LogitOptions } from "./logits.ts";
