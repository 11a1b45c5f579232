import { type Place, short, tokenNotation, type View } from "@resolvent/analysis";
import type { Measure } from "../measure.ts";
import type { PatchResult } from "../patch.ts";
import { measureWords, targetWords } from "./parameters.ts";

/** Rows and columns of a heat map at most: what has the largest effects. */
const MOST = 40;

/** Measures that are larger where the model says what is asked for. */
const FOR: readonly Measure[] = ["logit-difference", "probability"];

/** What matters most, in words. */
export function patchAnswer({
  sources,
  receivers,
  effect,
  setting,
  pairs,
  targetClean,
  targetCorrupt,
}: PatchResult): string[] {
  const all = effect.flatMap((row, s) =>
    row.flatMap((value, r) => (value === null ? [] : [{ s, r, value }])),
  );
  const largest = all.reduce<(typeof all)[number] | undefined>(
    (best, one) => (best !== undefined && Math.abs(best.value) >= Math.abs(one.value) ? best : one),
    undefined,
  );
  const [first] = pairs;
  const token = pairs.length === 1 ? first?.clean[Number(receivers[largest?.r ?? 0])] : undefined;
  const to = largest === undefined ? "" : receivers[largest.r];
  const where =
    setting.kind !== "node"
      ? ` → ${to}`
      : token === undefined
        ? receivers.length > 1
          ? ` at position ${to}`
          : ""
        : ` at ${tokenNotation(token.text)} (position ${to})`;
  const noise = setting.direction === "noise";
  return [
    largest === undefined
      ? "There is nothing to patch."
      : `Patching ${sources[largest.s]}${where} changes the ${targetWords({ pairs, setting })} most: by ${short(largest.value)}.`,
    `${pairs.length > 1 ? `Over ${pairs.length} pairs, the mean` : "The"} ${targetWords({ pairs, setting })} is ${short(targetClean)} on ${pairs.length > 1 ? "clean prompts" : "the clean prompt"}${targetCorrupt === null ? "" : ` and ${short(targetCorrupt)} on ${pairs.length > 1 ? "corrupt ones" : "the corrupt one"}`}; each effect is what it changes by where one ${setting.kind} has the value of the ${noise ? (setting.reference.kind === "run" ? "corrupt run" : `reference ${setting.reference.kind}`) : "clean run"}.`,
  ];
}

export function patchViews({ sources, receivers, effect, setting, pairs }: PatchResult): View[] {
  const nodes = setting.kind === "node";
  const measured = measureWords(setting);
  const [first, second] = pairs;
  const tokens = nodes && second === undefined ? first?.clean : undefined;
  const size = (values: readonly (number | null | undefined)[]): number =>
    values.reduce<number>((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  const largest = (names: readonly string[], sizes: readonly number[]): string[] => {
    const least = sizes.toSorted((a, b) => b - a)[MOST - 1] ?? 0;
    return names.filter((_, i) => (sizes[i] ?? 0) >= least).slice(0, MOST);
  };
  const rows = largest(sources, effect.map(size));
  const columns = largest(
    receivers,
    receivers.map((_, r) => size(effect.map((row) => row[r]))),
  );
  const fewer = rows.length < sources.length || columns.length < receivers.length;
  const place = (key: string): Place => {
    const text = tokens?.[Number(key)]?.text;
    return text === undefined ? { key } : { key, token: text };
  };
  const bars: View = {
    ...{ mark: "bars", table: "patch-effect", y: "source", x: "effect", most: 30 },
    title: "The largest effects",
    note: `To the right: patching raises the ${measured}. To the left: it lowers it${FOR.includes(setting.measure) ? `, so what was there spoke for the ${measured}` : ""}.`,
  };
  if (receivers.length < 2) return [bars];
  return [
    {
      ...{ mark: "grid", table: "patch-effect", x: "receiver", y: "source", value: "effect" },
      axes: { x: columns.map(place), y: rows.toReversed().map((key) => ({ key })) },
      title: nodes
        ? "Effect by node and position"
        : `Effect of each ${setting.kind} on the ${measured}`,
      note: `${nodes ? `A column is a ${tokens === undefined ? "position" : "token of the prompt"}, a row a node, the embedding at the bottom.` : "A row writes, a column reads; the embedding is at the bottom."} Blue (and −): patching lowers the ${measured}; orange: it raises it.${fewer ? ` Those with the largest effects: ${rows.length} of ${sources.length} rows, ${columns.length} of ${receivers.length} columns.` : ""}`,
    },
    nodes
      ? {
          mark: "list",
          table: "patch-effect",
          columns:
            tokens === undefined
              ? ["source", "receiver", "effect"]
              : ["source", "receiver", "token", "effect"],
          title: "The largest effects",
        }
      : {
          mark: "list",
          table: "patch-effect",
          columns: ["source", "receiver", "effect"],
          title: "The largest effects",
        },
  ];
}
