import { InputError } from "@resolvent/tensor";
import type { Fields } from "./fields.ts";
import { type AttributionGraph, checkCounts } from "./graph.ts";
import { nodeOf } from "./node.ts";
import { warningsOf } from "./odd.ts";
import { errorFields, featureFields, logitFields, tokenFields } from "./records.ts";

/** Numbers in rows. */
export interface Rows {
  readonly rows: number;
  readonly columns: number;
  /** Last axis fastest. */
  readonly data: Float32Array | Float64Array;
}

/**
 * A whole graph as circuit-tracer computes it. Rows and columns of the matrix are the selected features, then the error
 * of each layer at each position, tokens, and logits; rows are targets.
 */
export interface WholeGraph {
  readonly prompt: string;
  /** The names of the transcoders; one for a set. */
  readonly scan: readonly string[];
  readonly layers: number;
  readonly tokens: ArrayLike<number>;
  readonly adjacency: Rows;
  /** `feature, (layer, position, feature)`. */
  readonly activeFeatures: Rows;
  /** Indices into the active features. */
  readonly selected: ArrayLike<number>;
  /** Of the active features. */
  readonly activations: ArrayLike<number>;
  /** A target that is no token has an id beyond the vocabulary. */
  readonly logits: readonly { readonly text: string; readonly id: number }[];
  readonly probabilities: ArrayLike<number>;
}

export interface TokenOptions {
  /** The text of a token; default `#17`, since such files have none. */
  readonly token?: (id: number) => string;
  /** What the graph is called; default `graph`. */
  readonly slug?: string;
}

/** The graph of a matrix. */
export function wholeGraph(
  whole: WholeGraph,
  {
    token = (id) => `#${id}`,
    slug = "graph",
    name = slug,
  }: TokenOptions & { readonly name?: string } = {},
): AttributionGraph {
  checkSizes(whole, name);
  const { layers, tokens, probabilities, prompt, scan } = whole;
  const positions = tokens.length;
  const features = featuresOf(whole, name);
  const taken = new Set(features.map(({ node_id }) => String(node_id)));
  const likeliest = indexOfLargest(probabilities);
  const all: Fields[] = [
    ...features,
    ...Array.from({ length: layers * positions }, (_, i) =>
      errorFields(Math.floor(i / positions), i % positions, { taken }),
    ),
    ...Array.from(tokens, (id, position) => tokenFields(id, position)),
    ...whole.logits.map(({ text, id }, i) =>
      logitFields(id, {
        text: text === "" ? token(id) : text,
        probability: probabilities[i] ?? 0,
        ...{ layers, position: positions - 1, isTarget: i === likeliest },
      }),
    ),
  ];
  const graph = {
    nodes: all.map((fields) => nodeOf(fields, 1)),
    edges: edgesOf(whole.adjacency, name),
    outside: [],
    metadata: {
      slug,
      scan: scan.length === 1 ? scan[0] : scan.join("-"),
      transcoder_list: scan.length === 1 ? [] : scan,
      prompt_tokens: Array.from(tokens, token),
      prompt,
      node_threshold: 1,
      schema_version: 1,
    },
    qParams: { pinnedIds: [], supernodes: [], linkType: "both", clickedId: "", sg_pos: "" },
    fields: {},
    warnings: [],
  };
  return { ...graph, warnings: warningsOf(graph) };
}

function featuresOf(
  { activeFeatures, selected, activations, layers, tokens }: WholeGraph,
  name: string,
): Fields[] {
  return Array.from(selected, (active, i) => {
    const at = `selected_features[${i}]`;
    const row = below(active, activeFeatures.rows, at, name);
    const [layer = -1, position = -1, feature = -1] = activeFeatures.data.subarray(
      3 * row,
      3 * row + 3,
    );
    below(layer, layers, `${at}: its layer`, name);
    below(position, tokens.length, `${at}: its position`, name);
    below(feature, Number.MAX_SAFE_INTEGER, `${at}: its index`, name);
    const activation = activations[row] ?? Number.NaN;
    if (!Number.isFinite(activation)) {
      throw bad(name, `activation_values[${row}]`, "a finite number", activation);
    }
    return featureFields(layer, feature, position, { activation });
  });
}

/** Entries that are not 0, row by row. */
function edgesOf({ rows, data }: Rows, name: string): AttributionGraph["edges"] {
  let count = 0;
  let odd = 0;
  let first = -1;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value !== 0) count++;
    if (Number.isFinite(value)) continue;
    if (odd++ === 0) first = i;
  }
  if (odd > 0) {
    const at = `adjacency_matrix[${Math.floor(first / rows)}, ${first % rows}]`;
    throw bad(name, at, "a finite number", data[first], `It is the first of ${odd}.`);
  }
  checkCounts(rows, count);
  const source = new Int32Array(count);
  const target = new Int32Array(count);
  const weight = new Float64Array(count);
  let next = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value === 0) continue;
    source[next] = i % rows;
    target[next] = Math.floor(i / rows);
    weight[next++] = value;
  }
  return { source, target, weight, fields: new Map() };
}

function checkSizes(whole: WholeGraph, name: string): void {
  const { layers, tokens, adjacency, activeFeatures, selected, activations, logits } = whole;
  const same = (at: string, got: number, wanted: number): void => {
    if (got !== wanted) throw bad(name, at, String(wanted), got);
  };
  below(layers - 1, 1_000_000, "cfg.n_layers, less 1", name);
  const nodes = selected.length + layers * tokens.length + tokens.length + logits.length;
  checkCounts(nodes, 0);
  same("rows of adjacency_matrix", adjacency.rows, nodes);
  same("columns of adjacency_matrix", adjacency.columns, nodes);
  same("columns of active_features", activeFeatures.columns, 3);
  same("activation_values", activations.length, activeFeatures.rows);
  same("logit_probabilities", whole.probabilities.length, logits.length);
  Array.from(tokens, (id, i) => below(id, Number.MAX_SAFE_INTEGER, `input_tokens[${i}]`, name));
  logits.forEach(({ id }, i) => {
    below(id, Number.MAX_SAFE_INTEGER, `the token of logit ${i}`, name);
    const probability = whole.probabilities[i] ?? Number.NaN;
    if (!(probability >= 0 && probability <= 1)) {
      throw bad(name, `logit_probabilities[${i}]`, "a number from 0 to 1", probability);
    }
  });
}

/** A whole number from 0 to below a limit. */
function below(got: number, limit: number, at: string, name: string): number {
  if (Number.isInteger(got) && got >= 0 && got < limit) return got;
  throw bad(name, at, `a whole number below ${limit}`, got);
}

function bad(name: string, at: string, expected: string, got: unknown, more = ""): InputError {
  return new InputError({
    code: "dictionary/bad-graph",
    message: `${name}: ${at}: expected ${expected}, got ${got}.${more && ` ${more}`}`,
    remedy: "A graph is what circuit-tracer saves with to_pt.",
    details: { name, at, expected, got },
  });
}

function indexOfLargest(values: ArrayLike<number>): number {
  return Array.from(values).reduce(
    (best, value, i, all) => (value > (all[best] ?? 0) ? i : best),
    0,
  );
}
