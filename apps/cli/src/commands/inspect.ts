import { type Architecture, blockNames, outlineModel } from "@resolvent/transformer";
import { openCheckpoint } from "@resolvent/weights";
import { Command } from "commander";
import {
  type KeptWeights,
  keptWeights,
  modelFolder,
  modelName,
  tokenizerOf,
  weightsHash,
} from "../open.ts";
import {
  type Format,
  type FormatOptions,
  formatOf,
  type ModelOptions,
  options,
  withModelOptions,
} from "../options.ts";
import { bytes, csvLine, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

/** What a model is, without running it. */
interface Inspection {
  readonly schemaVersion: 1;
  readonly kind: "inspection";
  readonly model: { readonly name: string; readonly sha256: string; readonly architecture: string };
  readonly architecture: Architecture;
  readonly blocks: readonly string[];
  readonly parameters: number;
  readonly tokenizer: boolean;
  /** What its weights take in a computation in float32, and how they are kept there by default. */
  readonly weights: KeptWeights;
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
}

export function inspectCommand(terminal: Terminal): Command {
  const command = new Command("inspect")
    .summary("what a model is: architecture, blocks, tensors")
    .description("Shows what MODEL is, from its config and the headers of its weights.")
    .addOption(options.format())
    .addOption(options.json())
    .action(async (name: string, flags: FormatOptions & ModelOptions) => {
      const format = formatOf(flags);
      write(await inspect(name, flags, terminal), format, terminal);
    });
  return withModelOptions(command);
}

async function inspect(name: string, flags: ModelOptions, terminal: Terminal): Promise<Inspection> {
  const folder = await modelFolder(name, flags, terminal);
  const outline = await outlineModel(folder);
  const checkpoint = await openCheckpoint(folder);
  const tensors = checkpoint.names.map((tensor) => {
    const { dtype, shape } = checkpoint.info(tensor);
    return { name: tensor, dtype, shape };
  });
  return {
    schemaVersion: 1,
    kind: "inspection",
    model: {
      name: modelName(name, folder),
      sha256: await weightsHash(folder, terminal),
      architecture: outline.architecture.family,
    },
    architecture: outline.architecture,
    blocks: blockNames(outline.architecture),
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    tokenizer: (await tokenizerOf(folder)) !== undefined,
    weights: keptWeights(outline, { precision: "f32" }, 0),
    tensors,
  };
}

function write(inspection: Inspection, format: Format, terminal: Terminal): void {
  const { tensors, ...rest } = inspection;
  if (format === "json") terminal.out(`${JSON.stringify(inspection, undefined, 2)}\n`);
  else if (format === "ndjson") {
    terminal.out(`${JSON.stringify(rest)}\n`);
    for (const tensor of tensors)
      terminal.out(`${JSON.stringify({ kind: "tensor", ...tensor })}\n`);
  } else if (format === "csv") {
    terminal.out(csvLine(["name", "dtype", "shape"]));
    for (const { name, dtype, shape } of tensors)
      terminal.out(csvLine([name, dtype, shape.join("×")]));
  } else terminal.show(describe(inspection, terminal));
}

function describe(
  { model, architecture: a, blocks, parameters, tokenizer, weights, tensors }: Inspection,
  { style }: Terminal,
): string {
  const facts: [string, string][] = [
    ["family", a.family],
    ["parameters", parameters.toLocaleString("en")],
    ["layers", `${a.layers}${a.parallel ? ", attention and MLP side by side" : ""}`],
    ["d_model", String(a.d_model)],
    [
      "heads",
      `${a.heads} of d_head ${a.d_head}${a.kv_heads < a.heads ? `, ${a.kv_heads} key-value heads` : ""}`,
    ],
    [
      "MLP",
      a.d_mlp === 0 ? "none" : `${a.d_mlp} wide, ${a.activation}${a.gatedMlp ? ", gated" : ""}`,
    ],
    ["norm", a.norm],
    ["positions", a.positions],
    ["vocab", `${a.vocab}${a.tied ? ", embedding and unembedding shared" : ""}`],
    ["context", String(a.context)],
    ["tokenizer", tokenizer ? "tokenizer.json" : "none: give --tokens"],
    ["weights", `${bytes(weights.bytes)} in memory (${weights.kept})`],
    ["blocks", blocks.join(" ")],
    ["sha256", model.sha256],
  ];
  const shapes = tensors.map(({ name, dtype, shape }) => [name, dtype, shape.join(" × ")]);
  return [
    style.bold(model.name),
    table(
      [{ head: "" }, { head: "" }],
      facts.map(([fact, value]) => [`  ${style.faint(fact)}`, value]),
    ).replace(/^\n/, ""),
    table([{ head: "tensor" }, { head: "dtype" }, { head: "shape" }], shapes),
  ].join("\n");
}
