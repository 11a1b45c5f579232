import { type Agreement, agreement } from "@resolvent/analysis";
import type { CheckedPath, PathExpansion, ShownPath } from "./expand-paths.ts";

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

/** An expansion with the verdicts of further paths, as if these had been named with it. */
export function withVerdicts(
  expansion: PathExpansion,
  more: readonly CheckedPath[],
): PathExpansion {
  const known = new Map(
    more.flatMap((own) => (own.positions === null ? [[own.text, own.verified] as const] : [])),
  );
  const shown = expansion.shown.map((path) => ({
    ...path,
    verified: path.verified ?? known.get(path.text) ?? null,
  }));
  const checked = [...(expansion.checked ?? []), ...more];
  return { ...expansion, shown, checked, agreement: agreementOf(shown, checked) };
}
