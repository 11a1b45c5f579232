import {
  bytes,
  defineAnalysis,
  type ModelFiles,
  type OutlineAnalysis,
  type ResultHead,
  resultHead,
  type Table,
} from "@resolvent/analysis";
import { parameters } from "@resolvent/analysis/parameters";
import type { Architecture } from "@resolvent/transformer";

/** What a model is, without running it. */
interface Inspection extends ResultHead<"inspection"> {
  readonly architecture: Architecture;
  readonly parameters: number;
  readonly tokenizer: boolean;
  /** What its weights take in a computation, and how they are kept there. */
  readonly weights: ModelFiles["weights"];
  readonly tensors: ModelFiles["tensors"];
}

/** What a model's files say it is. */
export const inspect: OutlineAnalysis<object, Inspection> = defineAnalysis<object, Inspection>({
  name: "inspect",
  needs: "outline",
  summary: "what a model is: architecture, blocks, tensors",
  description: "Shows what MODEL is, from its config and the headers of its weights.",
  params: parameters({}),
  run: async ({ model, sha256, tensors, tokenizer, weights }) => ({
    ...resultHead("inspection", { ...model, sha256 }),
    architecture: model.architecture,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    tokenizer,
    weights,
    tensors,
  }),
  tables: (inspection) => [factTable(inspection), tensorTable(inspection)],
  tableKinds: ["fact", "tensor"],
  answer: ({ model, architecture: a, parameters, weights }) => [
    `${model.name} is a ${a.family} model of ${a.layers} ${a.layers === 1 ? "layer" : "layers"} with ${a.heads} heads each and ${parameters.toLocaleString("en")} parameters.`,
    `It has ${model.blocks.length} blocks that paths may pass, reads up to ${a.context} tokens, and takes ${bytes(weights.bytes)} of memory (${weights.kept}).`,
  ],
  views: ({ model }) => [
    {
      ...{ mark: "list", table: "fact", columns: ["fact", "value"] },
      title: `What ${model.name} is`,
    },
    {
      ...{ mark: "list", table: "tensor", columns: ["name", "dtype", "shape"] },
      title: "Its tensors, as they are stored",
    },
  ],
});

function factTable({ model, architecture: a, parameters, tokenizer, weights }: Inspection): Table {
  const shared = a.kv_heads < a.heads ? `, ${a.kv_heads} key-value heads` : "";
  const mlp = `${a.d_mlp} wide, ${a.activation}${a.gatedMlp ? ", gated" : ""}`;
  const facts: [string, string][] = [
    ["family", a.family],
    ["parameters", parameters.toLocaleString("en")],
    ["layers", `${a.layers}${a.parallel ? ", attention and MLP side by side" : ""}`],
    ["d_model", String(a.d_model)],
    ["heads", `${a.heads} of d_head ${a.d_head}${shared}`],
    ["MLP", a.d_mlp === 0 ? "none" : mlp],
    ["norm", a.writeNorms ? `${a.norm}, before blocks and of what they write` : a.norm],
    ...capFacts(a),
    ["positions", a.positions],
    ["vocab", `${a.vocab}${a.tied ? ", embedding and unembedding shared" : ""}`],
    ["context", String(a.context)],
    ["tokenizer", tokenizer ? "tokenizer.json" : "none: give --tokens"],
    ["weights", `${bytes(weights.bytes)} in memory (${weights.kept})`],
    ["blocks", model.blocks.join(" ")],
    ["sha256", model.sha256 ?? ""],
  ];
  return {
    kind: "fact",
    view: true,
    columns: [
      { name: "fact", head: model.name, kind: "text" },
      { name: "value", head: "", kind: "text" },
    ],
    rows: facts.map(([fact, value]) => [`  ${fact}`, value]),
  };
}

/** Soft caps, where a model has any. */
function capFacts({ scoreCap, logitCap }: Architecture): [string, string][] {
  const caps = [
    ...(scoreCap === undefined ? [] : [`scores at ±${scoreCap}`]),
    ...(logitCap === undefined ? [] : [`logits at ±${logitCap}`]),
  ];
  return caps.length === 0 ? [] : [["soft caps", caps.join(", ")]];
}

function tensorTable({ tensors }: Inspection): Table {
  return {
    kind: "tensor",
    field: "tensors",
    columns: [
      { name: "name", head: "tensor", kind: "text" },
      { name: "dtype", kind: "text" },
      { name: "shape", kind: "shape" },
    ],
    rows: tensors.map(({ name, dtype, shape }) => [name, dtype, shape.join("×")]),
  };
}
