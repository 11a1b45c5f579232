import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { OpenMergeModel } from "../model.ts";
import type { MergePlan } from "../plan.ts";

/** What is kept of a merge that has begun. */
export interface MergeState {
  /** Of the plan, its options and the files that are read: another key is another merge. */
  readonly key: string;
}

/** Longest state that is read, in bytes; ours have some hundred. */
const MAX_BYTES = 10_000;

/**
 * What tells a merge from every other: its plan, its options, and the files that it reads, by what identifies them. Undefined
 * where a file cannot be told from a changed one, as when it was written just now.
 */
export async function mergeKey(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  settings: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const files: string[] = [];
  for (const [name, { checkpoint }] of models) {
    for (const [file, { source, size }] of checkpoint.files) {
      const identity = await source.identity?.();
      if (identity === undefined) return undefined;
      files.push(JSON.stringify([name, file, size, identity]));
    }
  }
  return createHash("sha256").update(JSON.stringify({ plan, settings, files })).digest("hex");
}

/** The state of a folder; undefined where it has none, or none of ours. */
export async function readState(path: string): Promise<MergeState | undefined> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > MAX_BYTES) return undefined;
    const { key } = Object(JSON.parse(text)) as Readonly<Record<string, unknown>>; // its field is looked at
    return typeof key === "string" ? { key } : undefined;
  } catch {
    return undefined;
  }
}
