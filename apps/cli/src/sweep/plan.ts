import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelFacts } from "@resolvent/analysis";
import { InputError, isInputError, type Precision } from "@resolvent/tensor";
import { writePieces } from "@resolvent/weights/node";
import { unwritable } from "../place.ts";

/** What is swept: every shard of one sweep has the same. */
export interface SweepPlan {
  /** The version of this file, and of the parts beside it. */
  readonly sweep: 1;
  readonly analysis: string;
  /** SHA-256 of analysis, model and all parameters but the prompts. */
  readonly question: string;
  readonly model: ModelFacts;
  readonly precision: Precision;
  readonly float64: boolean;
  readonly corpus: { readonly name: string; readonly sha256: string; readonly prompts: number };
  /** Tokens of a prompt at most, where that was said. */
  readonly length: number | null;
  /** Prompts of a part. */
  readonly partPrompts: number;
}

/** Where it stands in the folder of a sweep. */
export const PLAN_FILE = "sweep.json";

/** Bytes of a plan at most. */
const MOST_BYTES = 2 ** 20;

/** Parts of a sweep. */
export function partsOf({
  corpus,
  partPrompts,
}: Pick<SweepPlan, "corpus" | "partPrompts">): number {
  return Math.ceil(corpus.prompts / partPrompts);
}

/** Prompts of a part: the last may have less. */
export function promptsIn(
  { corpus, partPrompts }: Pick<SweepPlan, "corpus" | "partPrompts">,
  part: number,
): number {
  return Math.min(partPrompts, corpus.prompts - part * partPrompts);
}

/**
 * Writes what is swept where nothing is; where another shard, or an earlier run, has, holds it against that.
 *
 * @throws InputError `sweep/other-sweep`, `sweep/not-a-sweep`, `cli/unwritable`
 */
export async function agreeOn(folder: string, plan: SweepPlan): Promise<void> {
  const path = join(folder, PLAN_FILE);
  const text = `${JSON.stringify(plan, undefined, 2)}\n`;
  if ((await readPlan(folder)) === undefined) {
    try {
      return await writePieces(path, pieces(text));
    } catch (error) {
      // Another shard was faster.
      if (!isInputError(error) || error.code !== "weights/file-exists") throw error;
    }
  }
  const there = await readPlan(folder);
  if (there === undefined) throw unwritable(path, "ENOENT");
  const differing = differences(there, plan);
  if (differing.length === 0) return;
  throw new InputError({
    code: "sweep/other-sweep",
    message: `${folder} holds another sweep: ${differing.join("; ")}.`,
    remedy: "Name another folder, or ask for the same again.",
    details: { there, asked: plan },
  });
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** What is swept into a folder; undefined where nothing says so. @throws InputError `sweep/not-a-sweep` */
export async function readPlan(folder: string): Promise<SweepPlan | undefined> {
  const path = join(folder, PLAN_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(String((error as NodeJS.ErrnoException).code)))
      return undefined; // of the file system
    throw error;
  }
  const plan = text.length > MOST_BYTES ? undefined : parsed(text);
  if (isPlan(plan)) return plan;
  throw new InputError({
    code: "sweep/not-a-sweep",
    message: `${path} does not say what a sweep is, as this version writes it.`,
    remedy: "Name another folder.",
    details: { path },
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlan(value: unknown): value is SweepPlan {
  const { sweep, analysis, question, model, corpus, partPrompts } = Object(value);
  const counts = [Object(corpus).prompts, partPrompts];
  return (
    sweep === 1 &&
    [analysis, question, Object(model).name, Object(corpus).name].every(
      (text) => typeof text === "string",
    ) &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    Array.isArray(model.blocks) &&
    partPrompts > 0
  );
}

/** Where two plans differ, in words. Names may: the hashes say what is the same. */
function differences(there: SweepPlan, asked: SweepPlan): string[] {
  const word = (value: unknown): string => String(value).slice(0, 16);
  const pairs: readonly [string, unknown, unknown][] = [
    ["analysis", there.analysis, asked.analysis],
    ["weights", there.model.sha256, asked.model.sha256],
    ["parameters", there.question, asked.question],
    ["precision", there.precision, asked.precision],
    ["certificates in float64", there.float64, asked.float64],
    ["corpus", there.corpus.sha256, asked.corpus.sha256],
    ["length", there.length, asked.length],
    ["prompts a part", there.partPrompts, asked.partPrompts],
  ];
  return pairs.flatMap(([name, a, b]) =>
    a === b ? [] : [`its ${name} ${word(a)}, asked for ${word(b)}`],
  );
}
