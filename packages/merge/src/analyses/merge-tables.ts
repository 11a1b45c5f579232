import {
  bytes,
  type Cell,
  type Column,
  type Table,
  type View,
  warningLines,
} from "@resolvent/analysis";
import type { Merge, MergeInput, MergePlanned } from "./merge-result.ts";

/** The kinds of tables that a merge and its plan have. */
export const MERGE_TABLES: readonly string[] = [
  ...["merge-group", "merge-input", "merge-ignored", "merge-file", "merge-tensor"],
];

/** A merge, or its plan, as tables: how tensors are made, of what, and what became of it. */
export function mergeTables(result: Merge | MergePlanned): Table[] {
  const planned = result.kind === "merge-plan";
  const { cost, warnings } = result;
  return [
    {
      ...{ kind: "merge-group", field: "groups" },
      title: planned ? "What would be merged" : "What was merged",
      subtitle: headLine(result),
      columns: [
        { name: "tensors", kind: "text" },
        { name: "count", kind: "count" },
        { name: "size", kind: "text", view: true },
        { name: "bytes", kind: "count", detail: true },
        { name: "parameters", kind: "text" },
        { name: "inputs", kind: "text" },
      ],
      rows: result.groups.map((own): Cell[] => [
        ...[own.tensors, own.count, bytes(own.bytes), own.bytes, own.parameters, own.inputs],
      ]),
      notes: [
        `Reads ${bytes(cost.read)}, writes ${bytes(cost.written)} as ${dtypeOf(result)}${planned ? `, in about ${bytes(cost.memory)} of memory` : ""}.`,
        ...(planned ? outcome(result) : [doneLine(result)]),
        ...warningLines(warnings),
      ],
    },
    inputTable(result),
    ...ignoredTable(result),
    ...(planned ? [tensorTable(result)] : [fileTable(result)]),
  ];
}

/** What would come of it beside its tensors. */
function outcome({ plan, folder }: MergePlanned): string[] {
  const { tokenizer, chat_template: template, donor } = plan;
  return [
    `Config, tokenizer and other files are those of ${donor}${tokenizer === null ? "" : `, with a vocabulary of ${tokenizer.rows} rows (${tokenizer.source})`}${template === null ? "" : ", and a chat template"}.`,
    folder === null
      ? "Nothing is written."
      : `Nothing is written yet: merged, it goes to ${folder}.`,
  ];
}

function doneLine({ folder, verified }: Merge): string {
  return verified
    ? `Written as ${folder}: it was loaded, and has read a token.`
    : `Written as ${folder}, and not loaded.`;
}

function headLine({ model, ...result }: Merge | MergePlanned): string {
  const { method, base } = result.kind === "merge-plan" ? result.plan : result;
  const models = result.inputs.map(({ name }) => name).join(", ");
  const of = base === null ? models : `${models}; base ${base}`;
  return `${method}, ${model.blocks.length} blocks: ${of}`;
}

function dtypeOf(result: Merge | MergePlanned): string {
  return result.kind === "merge-plan" ? result.plan.dtype : result.dtype;
}

function inputTable(result: Merge | MergePlanned): Table {
  const hashes = result.kind === "merge" ? result.hashes : undefined;
  const columns: Column[] = [
    { name: "name", head: "model", kind: "text" },
    { name: "roles", kind: "text" },
    { name: "tensors", kind: "count" },
    { name: "dtypes", kind: "text" },
    { name: "size", kind: "text", view: true },
    { name: "bytes", kind: "count", detail: true },
    ...(hashes === undefined ? [] : [{ name: "sha256", kind: "text", minor: true } as const]),
  ];
  const cells = (own: MergeInput): Cell[] => [
    ...[own.name, own.roles.join(", "), own.tensors, own.dtypes.join(", ")],
    ...[bytes(own.bytes), own.bytes],
    ...(hashes === undefined ? [] : [hashes[own.name] ?? null]),
  ];
  return {
    ...{ kind: "merge-input", title: "The models", columns },
    rows: result.inputs.map(cells),
  };
}

/** What the configuration says to no effect, and what the result does not have. */
function ignoredTable(result: Merge | MergePlanned): Table[] {
  const { ignored, leftOut = [] } = result.kind === "merge-plan" ? result.plan : result;
  if (ignored.length + leftOut.length === 0) return [];
  return [
    {
      ...{ kind: "merge-ignored", title: "What has no effect" },
      columns: [
        { name: "what", kind: "text" },
        { name: "where", kind: "text" },
      ],
      rows: [
        ...ignored.map((path): Cell[] => ["parameter", path]),
        ...leftOut.map(({ model, tensor }): Cell[] => ["buffer", `${tensor} of ${model}`]),
      ],
    },
  ];
}

function tensorTable({ plan }: MergePlanned): Table {
  return {
    ...{ kind: "merge-tensor", data: true, title: "The tensors of the result" },
    columns: [
      { name: "tensor", kind: "text" },
      { name: "dtype", kind: "text" },
      { name: "position", kind: "number" },
      { name: "parameters", kind: "text" },
      { name: "inputs", kind: "text" },
    ],
    rows: Object.entries(plan.tensors).map(([name, tensor]): Cell[] => [
      ...[name, tensor.dtype ?? plan.dtype, tensor.position ?? 0],
      ...[JSON.stringify(tensor.parameters), JSON.stringify(tensor.inputs)],
    ]),
  };
}

function fileTable({ files }: Merge): Table {
  return {
    ...{ kind: "merge-file", field: "files", title: "The files" },
    columns: [
      { name: "name", head: "file", kind: "text" },
      { name: "size", kind: "text", view: true },
      { name: "bytes", kind: "count", detail: true },
      { name: "sha256", kind: "text", minor: true },
    ],
    rows: files.map((own): Cell[] => [own.name, bytes(own.bytes), own.bytes, own.sha256]),
  };
}

/** What came of it, in words. */
export function mergeAnswer(result: Merge | MergePlanned): string[] {
  const { inputs, groups, folder, cost } = result;
  const count = groups.reduce((sum, own) => sum + own.count, 0);
  const models = `${inputs.length} ${inputs.length === 1 ? "model" : "models"}`;
  if (result.kind === "merge-plan") {
    return [
      `${count} tensors of ${models} would be merged by ${result.plan.method}: ${bytes(cost.read)} are read, and ${bytes(cost.written)} written.`,
    ];
  }
  return [
    `${folder} has ${count} tensors of ${models}, merged by ${result.method}: ${bytes(cost.written)}.`,
  ];
}

export function mergeViews(result: Merge | MergePlanned): View[] {
  const list = (table: string, columns: readonly string[], title: string): View => ({
    ...{ mark: "list", table, columns, title },
  });
  return [
    {
      ...{ mark: "bars", table: "merge-group", y: "tensors", x: "bytes", select: "tensors" },
      title: "Bytes that are made alike",
      note: "Tensors of the result, together where they have the same inputs and parameters.",
    },
    list("merge-group", ["tensors", "count", "size", "parameters", "inputs"], "How they are made"),
    list("merge-input", ["name", "roles", "tensors", "dtypes", "size"], "The models"),
    ...(ignoredTable(result).length === 0
      ? []
      : [list("merge-ignored", ["what", "where"], "What has no effect")]),
    ...(result.kind === "merge"
      ? [list("merge-file", ["name", "size", "sha256"], "What was written")]
      : []),
  ];
}
