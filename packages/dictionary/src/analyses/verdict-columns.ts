import type { Cell } from "@resolvent/analysis";
import type { ShownVerdict } from "@resolvent/paths";

/** What is said without something. */
export const WITHOUT_COLUMNS = [
  { name: "frozenWithout", kind: "logit", head: "left, frozen", detail: true },
  { name: "liveWithout", kind: "logit", head: "left, live" },
  { name: "liveToken", kind: "token", head: "then likeliest" },
  { name: "liveProbability", kind: "share", detail: true },
] as const;

/** `predicted`, and what follows it. */
export function verdictCells({ predicted, frozen, live, without }: ShownVerdict): Cell[] {
  const [first] = without.live.top;
  return [
    ...[predicted, frozen, live, without.frozen.value, without.live.value],
    ...[first?.text ?? null, first?.probability ?? null],
  ];
}

/** In place of these where nothing was checked: all but `predicted`. */
export const NO_VERDICT: readonly Cell[] = [null, null, null, null, null, null];
