import { InputError } from "@resolvent/tensor";
import { type Ends, endsOf } from "./ends.ts";
import { type Fields, finiteIn, numberIn } from "./fields.ts";
import type { AttributionGraph, OutsideLink } from "./graph.ts";
import { MAX_GRAPH_CHARACTERS, MAX_GRAPH_DEPTH } from "./limits.ts";
import { nodeOf } from "./node.ts";
import { warningsOf } from "./odd.ts";
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
 * @throws InputError `dictionary/not-json` (or nested too deep), `dictionary/bad-graph` (with the place and how many: a weight that is not
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
  checkDepth(text, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError({
      code: "dictionary/not-json",
      message: `${name} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy: /\b(?:NaN|Infinity)\b/.test(text)
        ? "Python writes NaN and Infinity, which JSON does not have: make the file again."
        : "A graph is the JSON that circuit-tracer or Neuronpedia saves, or a .pt of circuit-tracer.",
      details: { name },
      cause,
    });
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** Refuses a text before it is parsed whose values lie too deep in each other. */
function checkDepth(text: string, name: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      for (i++; i < text.length && text.charCodeAt(i) !== QUOTE; i++) {
        if (text.charCodeAt(i) === BACKSLASH) i++;
      }
      continue;
    }
    const bracket = code | 0x20; // "[" and "{" differ in this bit, and so do their partners
    if (bracket === 0x7d) depth--;
    else if (bracket === 0x7b && ++depth > MAX_GRAPH_DEPTH) {
      throw new InputError({
        code: "dictionary/not-json",
        message: `${name} is nested deeper than ${MAX_GRAPH_DEPTH} at character ${i}.`,
        remedy: "This is no file of a graph, or it is damaged.",
        details: { name, limit: MAX_GRAPH_DEPTH, at: i },
      });
    }
  }
}

/** The graph in a file whose parts have been checked. */
function graphOf(file: CheckedFile): AttributionGraph {
  const { metadata, qParams, fields, links } = file;
  const schema = finiteIn(metadata.schema_version) ?? 0;
  const nodes = file.nodes.map((one) => nodeOf(one, schema));
  const ends = endsOf(nodes);
  const { edges, outside } = edgesOf(links, ends);
  const graph = { nodes, edges, outside, metadata, qParams, fields, warnings: [] };
  return { ...graph, warnings: warningsOf(graph) };
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
