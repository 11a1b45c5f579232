import type { Result } from "@resolvent/analysis";
import type { Findings } from "@resolvent/analysis/remote";
import { type EngineAccuracy, engineAccuracy } from "@resolvent/tensor";

/** How a result was computed, as it says itself. */
interface Computed {
  readonly engine: string | null;
  readonly precision: string | null;
}

/**
 * The size, relative to the largest number of a list, below which another engine may say otherwise; 0 where nothing is
 * known of whatever computed it.
 */
export function accuracyOf(result: Result | Computed): number {
  const { engine, precision } = result as Partial<Computed>; // results of files alone have neither
  const name = engine === "cpu" ? `cpu ${precision}` : String(engine);
  const known: Readonly<Record<string, EngineAccuracy | undefined>> = engineAccuracy;
  return known[name]?.result ?? 0;
}

/** Findings whose tables say how near to the truth their numbers are. */
export function withAccuracy(findings: Findings): Findings {
  const accuracy = accuracyOf(findings.result);
  if (accuracy === 0) return findings;
  return { ...findings, tables: findings.tables.map((table) => ({ ...table, accuracy })) };
}
