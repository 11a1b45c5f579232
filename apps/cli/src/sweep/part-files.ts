import {
  type Answer,
  certificatesOf,
  type FoundModel,
  type ListedAnalysis,
  type Prompt,
  type Values,
} from "@resolvent/analysis";
import { type PromptTable, parquetOf, tableFile } from "./table-file.ts";

/** A prompt of a sweep with what became of it. */
export interface Answered {
  /** Which of the sweep, from 0. */
  readonly prompt: number;
  readonly line: number | null;
  readonly values: Values | undefined;
  readonly answer: Answer;
}

/** The file of a part that says which prompts it has, and what became of each. */
export const PROMPTS_FILE = "prompts.parquet";

/** The name of the file of a kind of rows. */
function fileOf(kind: string): string {
  return `${kind}.parquet`;
}

/** The files of a part: its prompts, and a file for each kind of rows that results have. */
export function partFiles(
  analysis: ListedAnalysis,
  part: readonly Answered[],
  found: FoundModel,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map([[PROMPTS_FILE, promptsFile(part, found)]]);
  const kinds = new Map<string, PromptTable[]>();
  for (const { prompt, answer } of part) {
    if ("error" in answer) continue;
    for (const table of analysis.tables(answer.outcome.result)) {
      const rows = table.rows.length + (table.rest === undefined ? 0 : 1);
      if (table.view === true || rows === 0) continue;
      const known = kinds.get(table.kind);
      if (known === undefined) kinds.set(table.kind, [{ prompt, table }]);
      else known.push({ prompt, table });
    }
  }
  for (const [kind, tables] of kinds) files.set(fileOf(kind), tableFile(kind, tables));
  return files;
}

/** Whether the result of a prompt is finite and adds up. */
export function isSound(answer: Answer): boolean {
  return "outcome" in answer && answer.outcome.soundness.warnings.length === 0;
}

function promptsFile(part: readonly Answered[], { vocabulary }: FoundModel): Uint8Array {
  const ids = part.map(({ values }) => idsOf(values?.prompt, vocabulary));
  const error = (index: number): readonly { readonly name: string; readonly error: number }[] => {
    const answer = part[index]?.answer;
    if (answer === undefined || "error" in answer) return [];
    return certificatesOf(answer.outcome.result)[0]?.errors ?? [];
  };
  const errors = (name: string): (number | null)[] =>
    part.map((_, i) => error(i).find((one) => one.name === name)?.error ?? null);
  const failure = (of: "code" | "message"): (string | null)[] =>
    part.map(({ answer }) => ("error" in answer ? answer.error[of] : null));
  return parquetOf([
    { name: "prompt", type: "INT32", data: part.map(({ prompt }) => prompt) },
    { name: "line", type: "INT32", data: part.map(({ line }) => line) },
    { name: "tokens", type: "INT32", data: ids.map((own) => own?.length ?? null) },
    {
      ...{ name: "text", type: "STRING" },
      data: ids.map((own) => (own && vocabulary.decode(own)) || null),
    },
    {
      ...{ name: "sound", type: "BOOLEAN" },
      data: part.map(({ answer }) => ("error" in answer ? null : isSound(answer))),
    },
    { name: "relativeError", type: "DOUBLE", data: errors("relativeError") },
    { name: "relativeErrorFloat64", type: "DOUBLE", data: errors("relativeErrorFloat64") },
    { name: "error", type: "STRING", data: failure("code") },
    { name: "message", type: "STRING", data: failure("message") },
  ]);
}

/** The token ids of a prompt; null where it is none. */
function idsOf(prompt: unknown, { encode }: FoundModel["vocabulary"]): readonly number[] | null {
  if (prompt === undefined) return null;
  try {
    return encode(prompt as Prompt); // what is none is refused by the schema, and has no result
  } catch {
    return null;
  }
}
