import { type FilesSubject, pause, runningSpread, setRows } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { donePartsOf } from "./parts.ts";
import { PLAN_FILE, partsOf, promptsIn, readPlan, type SweepPlan } from "./plan.ts";
import { kindsOf, readPart } from "./read-part.ts";
import { askSql, type SqlRows } from "./sql.ts";
import {
  type MergedSweep,
  MOST_ROWS,
  type SweepReportParameters,
  type SweepResult,
} from "./sweep-result.ts";

/** Missing parts that are named at most. */
const MISSING_NAMED = 10;

/** The parts of a sweep, put together. @throws InputError `sweep/no-sweep`, and what reading them throws */
export async function putTogether(
  { signal, onProgress }: FilesSubject,
  { folder, sql }: SweepReportParameters,
): Promise<SweepResult> {
  const plan = await readPlan(folder);
  if (plan === undefined) {
    throw new InputError({
      code: "sweep/no-sweep",
      message: `${folder} has no ${PLAN_FILE}.`,
      remedy: "Name the folder that --out of a sweep has named.",
      details: { folder },
    });
  }
  const total = partsOf(plan);
  const done = (await donePartsOf(folder)).filter((part) => part < total);
  const there = new Set(done);
  const missing: number[] = [];
  for (let part = 0; part < total && missing.length < MISSING_NAMED; part++) {
    if (!there.has(part)) missing.push(part);
  }
  const each = async (use: (part: number) => Promise<void>): Promise<void> => {
    for (const [i, part] of done.entries()) {
      await use(part);
      onProgress({ done: i + 1, total: done.length, of: "part" });
      await pause(signal);
    }
  };
  const { model, analysis, corpus, precision } = plan;
  return {
    // Nothing is computed here; what every prompt's result says of itself is with its part.
    ...{ schemaVersion: 1, kind: "sweep", model, engine: null, precision },
    ...{ freeze: [], reference: null, weightProcessing: "none", certificate: null, warnings: [] },
    ...{ analysis, corpus },
    parts: { total, done: done.length, missing },
    prompts: done.reduce((sum, part) => sum + promptsIn(plan, part), 0),
    merged: sql === undefined ? await mergedOf(folder, plan, each) : null,
    sql: sql === undefined ? null : await sqlOf(folder, sql, each),
  };
}

async function sqlOf(folder: string, sql: string, each: Each): Promise<SqlRows> {
  const kinds = new Set<string>();
  let parts = 0;
  await each(async (part) => {
    parts++;
    for (const kind of await kindsOf(folder, part)) kinds.add(kind);
  });
  if (parts === 0) {
    throw new InputError({
      code: "sweep/no-parts",
      message: `${folder} has no part yet, of which SQL could say something.`,
      remedy: "Run the sweep first, or wait until a shard has written one.",
      details: { folder },
    });
  }
  return await askSql(folder, ["prompts", ...kinds], sql);
}

/** Parts one after the other. */
type Each = (use: (part: number) => Promise<void>) => Promise<void>;

async function mergedOf(folder: string, plan: SweepPlan, each: Each): Promise<MergedSweep> {
  const rows = setRows({ single: [], seen: [], gather: runningSpread, mostRows: MOST_ROWS });
  const refused = new Map<string, number>();
  let unsound = 0;
  const errors = { f32: largest(), f64: largest() };
  await each(async (part) => {
    const expected = { from: part * plan.partPrompts, count: promptsIn(plan, part) };
    for (const one of await readPart(folder, part, expected)) {
      rows.add(one.tables);
      if (one.error !== null) refused.set(one.error, (refused.get(one.error) ?? 0) + 1);
      if (one.sound === false) unsound++;
      errors.f32.add(one.relativeError);
      errors.f64.add(one.relativeErrorFloat64);
    }
  });
  return {
    refused: [...refused].map(([code, count]) => ({ code, count })),
    unsound,
    relativeError: errors.f32.value(),
    relativeErrorFloat64: errors.f64.value(),
    interval: { level: 0.95, method: "student-t" },
    ...{ means: rows.tables(), left: rows.left() },
  };
}

/** The largest of numbers that pass by; null before the first. What is not a number is larger than all that is. */
function largest(): { add(value: number | null): void; value(): number | null } {
  let found: number | null = null;
  return {
    add: (value) => {
      if (value !== null && !(found !== null && found >= value) && !Number.isNaN(found))
        found = value;
    },
    value: () => found,
  };
}
