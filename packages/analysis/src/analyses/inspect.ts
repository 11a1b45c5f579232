import { type Architecture, blockNames } from "@resolvent/transformer";
import { defineAnalysis, type OutlineAnalysis } from "../analysis.ts";
import { bytes } from "../figures.ts";
import { parameters } from "../parameters.ts";
import { modelIdentity, type Result } from "../result.ts";
import type { ModelFiles } from "../subject.ts";
import type { Table } from "../table.ts";

/** What a model is, without running it. */
interface Inspection extends Result {
  readonly kind: "inspection";
  readonly architecture: Architecture;
  readonly blocks: readonly string[];
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
    schemaVersion: 1,
    kind: "inspection",
    model: modelIdentity({ ...model, sha256 }),
    architecture: model.architecture,
    blocks: blockNames(model.architecture),
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    tokenizer,
    weights,
    tensors,
  }),
  tables: (inspection) => [factTable(inspection), tensorTable(inspection)],
  tableKinds: ["fact", "tensor"],
  answer: ({ model, architecture: a, parameters, blocks, weights }) => [
    `${model.name} is a ${a.family} model of ${a.layers} ${a.layers === 1 ? "layer" : "layers"} with ${a.heads} heads each and ${parameters.toLocaleString("en")} parameters.`,
    `It has ${blocks.length} blocks that paths may pass, reads up to ${a.context} tokens, and takes ${bytes(weights.bytes)} of memory (${weights.kept}).`,
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

function factTable({
  model,
  architecture: a,
  blocks,
  parameters,
  tokenizer,
  weights,
}: Inspection): Table {
  const shared = a.kv_heads < a.heads ? `, ${a.kv_heads} key-value heads` : "";
  const mlp = `${a.d_mlp} wide, ${a.activation}${a.gatedMlp ? ", gated" : ""}`;
  const facts: [string, string][] = [
    ["family", a.family],
    ["parameters", parameters.toLocaleString("en")],
    ["layers", `${a.layers}${a.parallel ? ", attention and MLP side by side" : ""}`],
    ["d_model", String(a.d_model)],
    ["heads", `${a.heads} of d_head ${a.d_head}${shared}`],
    ["MLP", a.d_mlp === 0 ? "none" : mlp],
    ["norm", a.norm],
    ["positions", a.positions],
    ["vocab", `${a.vocab}${a.tied ? ", embedding and unembedding shared" : ""}`],
    ["context", String(a.context)],
    ["tokenizer", tokenizer ? "tokenizer.json" : "none: give --tokens"],
    ["weights", `${bytes(weights.bytes)} in memory (${weights.kept})`],
    ["blocks", blocks.join(" ")],
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
