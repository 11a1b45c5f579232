import { short, type View } from "@resolvent/analysis";
import type { HeadRow, HeadsResult } from "./heads-result.ts";

type Score = "induction" | "previousToken" | "ovCopying";

/** Which heads stand out, in words. */
export function headsAnswer({ model, heads, repeated, texts }: HeadsResult): string[] {
  const best = (score: Score): { readonly name: string; readonly value: number } | undefined => {
    const scored = heads.flatMap((row: HeadRow) => {
      const value = row[score];
      return value === null ? [] : [{ name: row.name, value }];
    });
    return scored.toSorted((a, b) => b.value - a.value)[0];
  };
  const [copies, induces, looksBack] = [
    best("ovCopying"),
    best("induction"),
    best("previousToken"),
  ];
  return [
    ...((repeated === null && texts === null) || induces === undefined || looksBack === undefined
      ? []
      : [
          `Of the ${heads.length} heads of ${model.name}, ${induces.name} looks most at what came after the same token before (induction ${short(induces.value)}), and ${looksBack.name} most at the token before (${short(looksBack.value)}).`,
        ]),
    ...(copies === undefined
      ? []
      : [
          `${copies.name} copies most: its OV circuit has a copying score of ${short(copies.value)}, where 1 is copying only and −1 the opposite.`,
        ]),
  ];
}

export function headsViews({ repeated, texts }: HeadsResult): View[] {
  const grid = (value: string, title: string, note: string): View => ({
    ...{ mark: "grid", table: "head", x: "head", y: "layer", value, select: "name" },
    ...{ title, note },
  });
  return [
    ...(repeated === null && texts === null
      ? []
      : [
          {
            ...({ mark: "scatter", table: "head", x: "induction", y: "ovCopying" } as const),
            ...{ label: "name", select: "name" },
            title: "Where heads look, and whether they copy",
            note: `To the right: attention to the token after the same token, on ${texts === null ? "repeated random tokens" : "the texts"}. Upwards: whether what is moved raises the same token. An induction head would be far to the right; one that copies what it finds, in the upper right corner.`,
          },
          grid(
            "induction",
            "Induction",
            "Mean attention to what came after the same token before; a row is a layer.",
          ),
          grid("previousToken", "Previous token", "Mean attention to the token before."),
        ]),
    grid(
      "ovCopying",
      "Copying",
      "Copying score of W_V W_O: 1 copies what is attended to, −1 takes it away.",
    ),
  ];
}
