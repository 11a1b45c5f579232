import type { TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { AttributionGraph } from "../graph/graph.ts";
import { withLabels } from "../graph/labels.ts";
import { fileBytes, textOf } from "./file-bytes.ts";

/** Bytes of a file of labels at most: some hundred thousand of them. */
const MAX_LABEL_BYTES = 64 * 2 ** 20;

/** Characters of a label that are kept: a line of words. */
const MAX_LABEL = 400;

/**
 * The graph with labels of features from a file: a JSON object, `{"L2.F88": "names of cats", …}`, or lines of JSON as
 * Neuronpedia exports explanations, `{"layer": "2-tc", "index": "88", "description": "names of cats"}`.
 *
 * @throws InputError `dictionary/labels`
 */
export async function labelled(
  graph: AttributionGraph,
  file: TextFile | undefined,
): Promise<AttributionGraph> {
  if (file === undefined) return graph;
  const labels = labelsIn(textOf(await fileBytes(file, MAX_LABEL_BYTES), file.name), file.name);
  return withLabels(graph, ({ kind, layer, feature }) =>
    kind === "feature" ? labels.get(`L${layer}.F${feature}`) : undefined,
  );
}

function labelsIn(text: string, name: string): ReadonlyMap<string, string> {
  const whole = parsedObject(text);
  const entries =
    whole !== undefined && !("description" in whole)
      ? Object.entries(whole)
      : text
          .split("\n")
          .flatMap((line, i) => (line.trim() === "" ? [] : [explained(line, i, name)]));
  return new Map(
    entries.map(([key, label]) => {
      const place = /^L?(\d+)[._](?:F)?(\d+)$/.exec(key);
      if (place === null || typeof label !== "string") {
        throw bad(name, `"${key.slice(0, 60)}"`, "a name such as L2.F88 with a text");
      }
      return [`L${Number(place[1])}.F${Number(place[2])}`, label.slice(0, MAX_LABEL)];
    }),
  );
}

/** A line of Neuronpedia's exports. */
function explained(line: string, at: number, name: string): [string, unknown] {
  const { layer, index, description } = parsedObject(line) ?? {};
  const number = /^\d+/.exec(String(layer))?.[0];
  if (number === undefined || !/^\d+$/.test(String(index))) {
    throw bad(name, `line ${at + 1}`, "an object with layer, index and description");
  }
  return [`L${number}.F${index}`, description];
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>) // an object has fields
      : undefined;
  } catch {
    return undefined; // lines, or nothing of the kind: that is told where it matters
  }
}

function bad(name: string, at: string, expected: string): InputError {
  return new InputError({
    code: "dictionary/labels",
    message: `${name}: ${at}: expected ${expected}.`,
    remedy: 'Labels are {"L2.F88": "names of cats"}, or lines as Neuronpedia exports explanations.',
    details: { name, at, expected },
  });
}
