import { type Agreement, agreement } from "@resolvent/analysis";
import type { Verdict } from "./verify.ts";

/** A path, by how it reads, and what came of its check. */
interface Judged {
  readonly text: string;
  readonly verified: Pick<Verdict, "frozen" | "live"> | null;
}

/** Frozen effects against live ones, of the paths that were verified, shown or named. */
export function agreementOf(
  shown: readonly Judged[],
  checked: readonly Judged[] = [],
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
