import { InputError } from "@resolvent/tensor";
import { someNames, type Warning } from "@resolvent/transformer";
import { cycleIn, cycleText } from "./cycle.ts";
import { type Ends, endsOf } from "./ends.ts";
import { type Fields, finiteIn, numberIn } from "./fields.ts";
import type { AttributionGraph, OutsideLink } from "./graph.ts";
import { MAX_GRAPH_CHARACTERS } from "./limits.ts";
import { matrixOf } from "./matrix.ts";
import { nodeOf } from "./node.ts";
import { type CheckedFile, checkFile } from "./schema.ts";

export interface ReadGraphOptions {
  /** The file, for messages; default `graph`. */
  readonly name?: string;
}

/**
 * The attribution graph in a file of circuit-tracer or Neuronpedia: its text, or what was parsed of it. `graphFile`
 * gives back the same values and fields, those included that are not known here.
 *
 * What is odd but readable is a warning: `duplicate-node-id`, `missing-node` (their links take part in nothing),
 * `duplicate-link` (their weights add up), `cycle` (such a graph is not scored), `feature-number`,
 * `attention-features`, `bias-links`, `no-probability`.
 *
 * @throws InputError `dictionary/not-json`, `dictionary/bad-graph` (with the place and how many: a weight that is not
 *   finite, a field that is missing), `dictionary/too-many`
 */
export function readGraph(
  file: string | object,
  { name = "graph" }: ReadGraphOptions = {},
): AttributionGraph {
  return graphOf(checkFile(typeof file === "string" ? parsed(file, name) : file, name));
}

function parsed(text: string, name: string): unknown {
  if (text.length > MAX_GRAPH_CHARACTERS) {
    throw new InputError({
      code: "dictionary/too-many",
      message: `${name} has ${text.length} characters; the limit is ${MAX_GRAPH_CHARACTERS}.`,
      remedy: "Prune it where it was made.",
      details: { name, got: text.length, limit: MAX_GRAPH_CHARACTERS },
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError({
      code: "dictionary/not-json",
      message: `${name} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy:
        "Python writes NaN for what is not a number, which JSON does not have: make the file again.",
      details: { name },
      cause,
    });
  }
}

/** The graph in a file whose parts have been checked. */
export function graphOf(file: CheckedFile): AttributionGraph {
  const { metadata, qParams, fields, links } = file;
  const schema = finiteIn(metadata.schema_version) ?? 0;
  const nodes = file.nodes.map((one) => nodeOf(one, schema));
  const ends = endsOf(nodes);
  const { edges, outside } = edgesOf(links, ends);
  const graph = { nodes, edges, outside, metadata, qParams, fields, warnings: [] };
  return { ...graph, warnings: warningsOf(graph, ends) };
}

function edgesOf(
  links: readonly Fields[],
  ends: Ends,
): Pick<AttributionGraph, "edges" | "outside"> {
  const source = new Int32Array(links.length);
  const target = new Int32Array(links.length);
  const weight = new Float64Array(links.length);
  const fields = new Map<number, Fields>();
  const outside: OutsideLink[] = [];
  let count = 0;
  for (const link of links) {
    const found = ends.of(String(link.source), String(link.target));
    if (typeof found === "string") {
      outside.push({ after: count, why: found, fields: link });
      continue;
    }
    [source[count], target[count]] = found;
    weight[count] = numberIn(link.weight) ?? 0; // it was checked
    if (Object.keys(link).length > 3 || typeof link.weight !== "number") fields.set(count, link);
    count++;
  }
  // Copies where some were left out: a part of a longer array would keep all of it.
  const whole = count === links.length;
  return {
    edges: {
      source: whole ? source : source.slice(0, count),
      target: whole ? target : target.slice(0, count),
      weight: whole ? weight : weight.slice(0, count),
      fields,
    },
    outside,
  };
}

function warningsOf(graph: AttributionGraph, { repeated }: Ends): Warning[] {
  const { nodes, outside } = graph;
  const matrix = matrixOf(graph);
  const cycle = cycleIn(matrix);
  const say = (code: string, is: boolean, message: () => string): Warning[] =>
    is ? [{ code, message: message() }] : [];
  const unknown = outside.filter(({ why }) => why === "missing-node");
  const apart = outside.length - unknown.length;
  const odd = nodes.filter(({ kind, feature }) => kind === "feature" && feature === null);
  const attention = nodes.filter((node) => node.attention).length;
  const unlikely = nodes.filter(({ kind, probability }) => kind === "logit" && !probability);
  return [
    ...say("duplicate-node-id", repeated.size > 0, () => {
      const ids = someNames([...repeated].map(([id, times]) => `${id} (${times} nodes)`));
      return `Ids that several nodes have: ${ids}. ${links(apart)} that cannot be told apart ${are(apart)} left out of every calculation, and kept on export.`;
    }),
    ...say("missing-node", unknown.length > 0, () => {
      const ids = new Set(nodes.map(({ id }) => id));
      const missing = unknown
        .flatMap(({ fields }) => [String(fields.source), String(fields.target)])
        .filter((id) => !ids.has(id));
      return `${links(unknown.length)} to or from nodes that are not there (${someNames([...new Set(missing)])}) ${are(unknown.length)} left out of every calculation, and kept on export.`;
    }),
    ...say(
      "duplicate-link",
      matrix.repeated > 0,
      () =>
        `${links(matrix.repeated)} ${matrix.repeated === 1 ? "has" : "have"} the ends of another: their weights add up.`,
    ),
    ...say(
      "cycle",
      cycle !== undefined,
      () =>
        `The graph has a cycle, ${cycleText(nodes, cycle?.nodes ?? [])}; ${cycle?.count} nodes are on cycles or between them. It has no influence, scores or paths.`,
    ),
    ...say(
      "feature-number",
      odd.length > 0,
      () =>
        `The numbers of ${odd.length} features do not say which of their layer they are: ${someNames(odd.map(({ id }) => id))}.`,
    ),
    ...say(
      "attention-features",
      attention > 0,
      () =>
        `${attention} of ${nodes.length} nodes are features or errors of attention: replacement and completeness are defined for those of MLPs only, and are not given.`,
    ),
    ...say(
      "bias-links",
      matrix.biases > 0,
      () =>
        `${links(matrix.biases)} of biases ${are(matrix.biases)} constants of their rows, outside the matrix and its scores.`,
    ),
    ...say(
      "no-probability",
      unlikely.length > 0,
      () =>
        `Logits without a probability, which have no influence: ${someNames(unlikely.map(({ id }) => id))}.`,
    ),
  ];
}

const links = (count: number): string => (count === 1 ? "1 link" : `${count} links`);
const are = (count: number): string => (count === 1 ? "is" : "are");
