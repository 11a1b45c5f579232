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
import type { AttributionOptions } from "./attribution-graph.ts";
import type { ChosenLogit } from "./logits.ts";
import type { ReplacedRun } from "./replaced-run.ts";

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
    readonly options: AttributionOptions;
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
