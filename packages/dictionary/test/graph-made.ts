import { drawing } from "@resolvent/tensor";
import {
  type AttributionGraph,
  errorFields,
  type Fields,
  featureFields,
  logitFields,
  readGraph,
  tokenFields,
} from "../src/graph/index.ts";

export interface MadeOptions {
  readonly layers?: number;
  readonly positions?: number;
  /** Features of each layer and position. */
  readonly features?: number;
  readonly logits?: number;
  /** The share of possible edges that there are. */
  readonly density?: number;
}

/** A file of a graph with random weights: sources act on later layers and on later positions. */
export function madeFile(
  seed: number,
  { layers = 3, positions = 3, features = 2, logits = 2, density = 0.7 }: MadeOptions = {},
): { metadata: Fields; qParams: Fields; nodes: Fields[]; links: Fields[] } {
  const draw = drawing(seed);
  const places = Array.from({ length: layers * positions }, (_, i) => ({
    layer: Math.floor(i / positions),
    position: i % positions,
  }));
  const made = [
    ...places.flatMap(({ layer, position }) =>
      Array.from({ length: features }, (_, f) => ({
        ...{ layer, position, reads: true },
        fields: featureFields(layer, 200 + 3 * f + position, position, {
          activation: 0.25 + draw(),
        }),
      })),
    ),
    ...places.map(({ layer, position }) => ({
      ...{ layer, position, reads: false },
      fields: errorFields(layer, position),
    })),
    ...Array.from({ length: positions }, (_, position) => ({
      ...{ layer: -1, position, reads: false },
      fields: tokenFields(100 + position, position),
    })),
    ...Array.from({ length: logits }, (_, i) => ({
      ...{ layer: layers, position: positions - 1, reads: true },
      fields: logitFields(i, {
        ...{ text: ` l${i}`, probability: 0.6 / 2 ** i, layers },
        ...{ position: positions - 1, isTarget: i === 0 },
      }),
    })),
  ];
  const links = made.flatMap((target) =>
    made.flatMap((source) => {
      const possible =
        target.reads && source.layer < target.layer && source.position <= target.position;
      if (!possible || draw() > density) return [];
      const weight = 2 * draw() - 1;
      return [{ source: source.fields.node_id, target: target.fields.node_id, weight }];
    }),
  );
  return {
    metadata: {
      ...{ slug: "made", scan: "toy", prompt: "made", schema_version: 1 },
      prompt_tokens: Array.from({ length: positions }, (_, i) => ` t${i}`),
    },
    qParams: {},
    nodes: made.map(({ fields }) => fields),
    links,
  };
}

export function madeGraph(seed: number, options?: MadeOptions): AttributionGraph {
  return readGraph(madeFile(seed, options));
}
