import type { TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { AttributionGraph } from "../graph/graph.ts";
import { withLabels } from "../graph/labels.ts";
import { entriesOf, plain, textOf } from "./labels.ts";

/**
 * The graph with labels of features from a file: `{"L2.F88": "names of cats", …}`, or what Neuronpedia exports, a list or
 * lines of `{"layer": "2-transcoder", "index": "88", "description": "names of cats"}`.
 *
 * @throws InputError `dictionary/bad-labels`
 */
export async function labelled(
  graph: AttributionGraph,
  file: TextFile | undefined,
): Promise<AttributionGraph> {
  if (file === undefined) return graph;
  const labels = await graphLabels(file);
  return withLabels(graph, ({ kind, layer, feature }) =>
    kind === "feature" ? labels.get(`L${layer}.F${feature}`) : undefined,
  );
}

async function graphLabels(file: TextFile): Promise<ReadonlyMap<string, string>> {
  const refuse = (why: string): InputError =>
    new InputError({
      code: "dictionary/bad-labels",
      message: `${file.name}: ${why}.`,
      remedy:
        'Labels of a graph are one object, {"L2.F88": "names of cats"}, or a list or lines as Neuronpedia exports them: {"layer": "2-transcoder", "index": "88", "description": "names of cats"}.',
      details: { file: file.name },
    });
  const found = new Map<string, string>();
  const add = (name: unknown, label: unknown): void => {
    const [, layer, feature] = /^L?(\d{1,4})(?:\.F|_)(\d{1,9})$/.exec(String(name)) ?? [];
    if (layer === undefined) throw refuse(`"${plain(String(name)).slice(0, 60)}" names no feature`);
    if (typeof label !== "string") throw refuse(`the label of ${name} is no text`);
    const key = `L${Number(layer)}.F${Number(feature)}`;
    if (!found.has(key)) found.set(key, plain(label));
  };
  for (const entry of entriesOf(await textOf(file, refuse), refuse)) {
    if ("index" in entry) {
      const layer = /^\d+/.exec(String(entry.layer))?.[0] ?? "?";
      add(`${layer}_${entry.index}`, entry.description);
    } else for (const [name, label] of Object.entries(entry)) add(name, label);
  }
  return found;
}
