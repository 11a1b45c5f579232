import { targetText } from "@resolvent/analysis";
import type { Shaped } from "@resolvent/tensor";
import type { AttributionGraph } from "../graph/graph.ts";
import { nodeOf } from "../graph/node.ts";
import { warningsOf } from "../graph/odd.ts";
import {
  errorFields,
  featureFields,
  logitFields,
  targetFields,
  tokenFields,
} from "../graph/records.ts";
import type { ActiveFeature } from "./active-features.ts";
import type { ChosenLogit, LogitOptions } from "./logits.ts";
import type { ReplacedRun } from "./replaced-run.ts";

/** How a graph and its nodes are called, and what its file says of how it was made. */
export interface NodeOptions {
  /** Which logits, or which one target; default the likeliest logits up to 0.95, at most 10. */
  readonly logits?: LogitOptions;
  /** Features that are nodes at most, those with the largest effects on the logits; default 4096. */
  readonly features?: number;
  /** The text of a token; default `#17`. */
  readonly token?: (id: number) => string;
  /** The prompt, as the file has it; default the texts of its tokens. */
  readonly prompt?: string;
  /** What the graph is called; default `graph`. */
  readonly slug?: string;
  /** What the file says of the dictionaries; default the model's name. */
  readonly scan?: string;
}

/** The nodes of a run, features, errors, tokens and logits, with their edges, as files have them. */
export function promptGraphOf<T extends Shaped>(
  { run, model, replacements }: Pick<ReplacedRun<T>, "run" | "model" | "replacements">,
  edges: AttributionGraph["edges"],
  {
    chosen,
    logits,
    options,
  }: {
    readonly chosen: readonly ActiveFeature[];
    readonly logits: readonly ChosenLogit[];
    readonly options: NodeOptions;
  },
): AttributionGraph {
  const { token = (id) => `#${id}`, slug = "graph", scan = model.name, logits: asked } = options;
  const features = chosen.map(({ layer, feature, position, activation }) =>
    featureFields(layer, feature, position, { activation }),
  );
  const taken = new Set(features.map(({ node_id }) => String(node_id)));
  const { layers } = model.architecture;
  const likeliest = Math.max(...logits.map(({ probability }) => probability));
  const positions = Array.from({ length: run.positions }, (_, position) => position);
  const ids = Array.from(run.ids.data);
  const fields = [
    ...features,
    ...replacements.flatMap(({ layer }) =>
      positions.map((position) => errorFields(layer, position, { taken })),
    ),
    ...ids.map((id, position) => tokenFields(id, position)),
    ...logits.map(({ id, probability, target }) => {
      const of = { probability, layers, position: run.positions - 1 };
      return target === undefined
        ? logitFields(id, { ...of, text: token(id), isTarget: probability === likeliest })
        : targetFields(id, { ...of, target, text: targetText(target, token) });
    }),
  ];
  const texts = ids.map(token);
  const graph: AttributionGraph = {
    nodes: fields.map((one) => nodeOf(one, 1)),
    edges,
    outside: [],
    metadata: {
      ...{ slug, scan, prompt_tokens: texts, prompt: options.prompt ?? texts.join("") },
      ...{ node_threshold: 1, schema_version: 1 },
      generation_settings: {
        max_n_logits: asked?.tokens?.length ?? asked?.most ?? 10,
        desired_logit_prob: asked?.mass ?? 0.95,
        max_feature_nodes: options.features ?? 4096,
      },
    },
    qParams: { pinnedIds: [], supernodes: [], linkType: "both", clickedId: "", sg_pos: "" },
    fields: {},
    warnings: [],
  };
  return { ...graph, warnings: warningsOf(graph) };
}
