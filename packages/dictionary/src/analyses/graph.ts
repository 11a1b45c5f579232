import {
  type Analysis,
  defineAnalysis,
  type NewFile,
  type Outline,
  type Prompt,
  type Provided,
  type TextFile,
  writeText,
} from "@resolvent/analysis";
import {
  countParameter,
  fileParameter,
  newFileParameter,
  numberParameter,
  numbersParameter,
  parameters,
  promptParameter,
  targetParameter,
  textsParameter,
  tokensParameter,
} from "@resolvent/analysis/parameters";
import { type Cost, InputError, type Priced } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { WIDTH } from "./dictionary-cost.ts";
import { givenParameters, outlineGiven, singlesOf, weightBytes } from "./given.ts";
import { graphCost } from "./graph-cost.ts";
import { importedGraph } from "./graph-import.ts";
import type { GraphResult } from "./graph-result.ts";
import { type GraphRunParameters, promptGraph, targetGiven } from "./graph-run.ts";
import { GRAPH_TABLE_KINDS, graphTables } from "./graph-tables.ts";
import { graphText } from "./graph-text.ts";
import { graphAnswer, graphViews } from "./graph-views.ts";

interface GraphParameters extends GraphRunParameters {
  readonly prompt?: Prompt | undefined;
  readonly import?: TextFile | undefined;
  readonly write?: NewFile | undefined;
}

/** `resolvent graph`: the attribution graph of a prompt, or anyone's graph file. */
export const graphAnalysis: Analysis<GraphParameters, GraphResult> = defineAnalysis<
  GraphParameters,
  GraphResult
>({
  name: "graph",
  summary: "which features make a prediction: the attribution graph of a prompt, or of a file",
  description:
    "Makes the attribution graph of a run of MODEL in which transcoders stand for MLPs: what tokens, features and errors give each other and the logits directly, with all gates frozen. Scores it, prunes it, lists its largest paths, and says which heads carry an edge and why they look there. With --import it reads a graph file of circuit-tracer or Neuronpedia (JSON or .pt) instead, and needs no model.",
  params: parameters({
    prompt: promptParameter("text to read", { optional: true }),
    import: fileParameter("a graph file to look at, JSON or .pt, without a model"),
    logits: tokensParameter("tokens whose logits are explained; default: the likeliest"),
    logitMass: numberParameter("the likeliest tokens are taken up to this probability", {
      ...{ default: 0.95, above: 0, most: 1, title: "p" },
    }),
    mostLogits: countParameter("number of tokens taken at most", {
      ...{ default: 10, least: 1, most: 256, title: "n" },
    }),
    target: targetParameter(
      "tokens (text or id:N) whose logit difference is explained in place of logits, or one for its logit as it is: also by degree, and by paths through heads and features",
    ),
    budget: numberParameter(
      "of a target: what the search for paths may take, in forward passes by operation count",
      { default: 16, least: 0, title: "passes" },
    ),
    mostFeatures: countParameter(
      "number of active features that are nodes, those with the largest effects on the logits",
      { default: 4096, least: 1, most: 20_000, title: "n" },
    ),
    constantPositions: numbersParameter(
      "positions whose features and errors are constants and no nodes; circuit-tracer leaves out 0",
      { whole: true, least: 0, title: "positions" },
    ),
    nodeThreshold: numberParameter("share of the influence that nodes of the pruned graph have", {
      ...{ default: 0.8, least: 0, most: 1, title: "share" },
    }),
    edgeThreshold: numberParameter("share that edges of the pruned graph have", {
      ...{ default: 0.98, least: 0, most: 1, title: "share" },
    }),
    top: countParameter("number of nodes, edges and paths listed", {
      ...{ default: 20, most: 10_000, title: "n" },
    }),
    explain: countParameter(
      "number of the largest edges between positions whose head, and its score, are taken apart",
      { default: 3, most: 1000, title: "n" },
    ),
    verify: countParameter(
      "number of the largest edges, and of a target's paths, checked by intervention",
      {
        ...{ default: 0, most: 1000, title: "n" },
      },
    ),
    ablate: textsParameter(
      "features changed, L2.F88 or, at one position, L2.F88@4, to see what that does to the target, or the first logit",
      { title: "features" },
    ),
    times: numberParameter("what is left of them: 0 takes them away, 2 doubles them", {
      ...{ default: 0, title: "factor" },
    }),
    labels: fileParameter(
      'labels of features: JSON as {"L2.F88": "cats"}, or lines as Neuronpedia exports explanations',
    ),
    write: newFileParameter(
      "write the pruned graph as JSON that circuit-tracer and Neuronpedia read",
    ),
    ...givenParameters(),
  }),
  examples: [
    'path/to/model --dictionary path/to/transcoders --prompt "The cat sat on" --verify 5',
    'tales --dictionary tales-transcoders --prompt "When Mary and John went to the market, John gave a drink to" --target " Mary"," John"',
    "--import graph.json",
    "--import graph.pt --write pruned.json --json",
  ],
  needs: (params) => (params.import === undefined ? ["layers", "dictionary"] : []),
  mayNeed: ["dictionary"],
  float64: true,
  estimate: (outline, params) => costOf(outline, params, [], 0),
  estimateProvided: async (outline, params, provided) => await estimate(outline, params, provided),
  run: async (subject, params) => {
    const result = await promptGraph(subject, subject.vocabulary.encode(promptOf(params)), params);
    await written(result, params.write);
    return result;
  },
  alone: (params) => {
    const { import: file, prompt, write } = params;
    if (file === undefined) return undefined;
    if (prompt !== undefined) {
      throw new InputError({
        code: "dictionary/two-graphs",
        message: "A file to import and a prompt are two graphs.",
        remedy: "Give one of them.",
      });
    }
    return async ({ signal }) => {
      const result = await importedGraph(file, params, signal);
      await written(result, write);
      return result;
    };
  },
  tables: graphTables,
  tableKinds: GRAPH_TABLE_KINDS,
  answer: graphAnswer,
  views: graphViews,
});

/** @throws InputError `dictionary/no-prompt`, `dictionary/two-graphs` */
function promptOf({ prompt, import: file }: GraphParameters): Prompt {
  if (file !== undefined) {
    throw new InputError({
      code: "dictionary/two-graphs",
      message: "A file to import is a graph already: it takes no model.",
      remedy: "Leave the model out, or give a prompt in place of the file.",
    });
  }
  if (prompt !== undefined) return prompt;
  throw new InputError({
    code: "dictionary/no-prompt",
    message: "There is no prompt, and no file to import.",
    remedy: "Give --prompt TEXT, --tokens 1,2,3 or --import FILE.",
  });
}

async function estimate(
  outline: Outline,
  params: GraphParameters,
  provided: Provided,
): Promise<Cost> {
  promptOf(params);
  const found = await outlineGiven(provided, params);
  return costOf(outline, params, singlesOf(found), weightBytes(found, WIDTH[outline.precision]));
}

function costOf(
  { model, vocabulary, precision }: Outline,
  params: GraphParameters,
  dictionaries: readonly Dictionary<Priced>[],
  held: number,
): Cost {
  const { mostFeatures, mostLogits, logits, target, explain, verify, ablate, budget } = params;
  for (const name of logits) vocabulary.tokenId(name);
  targetGiven(model, params, vocabulary);
  return graphCost(model, vocabulary.encode(promptOf(params)), dictionaries, {
    ...{ precision, mostFeatures, explain, held },
    logits: target !== undefined ? 1 : logits.length === 0 ? mostLogits : logits.length,
    checks: verify + ablate.length + (target === undefined ? 0 : verify),
    budget: target === undefined ? undefined : budget,
  });
}

/** Writes the graph of a result, where that was asked for. */
async function written({ graph }: GraphResult, file: NewFile | undefined): Promise<void> {
  if (file !== undefined) await writeText(file, graphText(graph));
}
