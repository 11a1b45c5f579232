import { type Agreement, agreement } from "@resolvent/analysis";
import type { CheckedPath, ShownPath } from "./expand-paths.ts";

/** Frozen effects against live ones, of the paths that were verified, shown or named. */
export function agreementOf(
  shown: readonly ShownPath[],
  checked: readonly CheckedPath[] = [],
): Agreement | null {
  const own = new Map(
    [...shown, ...checked].flatMap(({ text, verified }) =>
      verified === null ? [] : [[text, verified] as const],
    ),
  );
  if (own.size === 0) return null;
  const all = [...own.values()];
  return agreement(
    all.map(({ frozen }) => frozen),
    all.map(({ live }) => live),
  );
}
