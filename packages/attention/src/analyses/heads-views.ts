import { short, type View } from "@resolvent/analysis";
import type { HeadRow, HeadsResult } from "./heads-result.ts";

type Score = "induction" | "previousToken" | "ovCopying";

/** Attention, or a copying score, from which a head is said to do it, not only to do it more than others. */
const DOES = 0.3;

/** Which heads do what they are scored for, in words; the nearest to it where none does. */
export function headsAnswer({ model, heads, repeated, texts }: HeadsResult): string[] {
  const best = (score: Score): { readonly name: string; readonly value: number } | undefined => {
    const scored = heads.flatMap((row: HeadRow) => {
      const value = row[score];
      return value === null ? [] : [{ name: row.name, value }];
    });
    return scored.toSorted((a, b) => b.value - a.value)[0];
  };
  const said = (
    score: Score,
    { does, none }: { readonly does: string; readonly none: string },
  ): string | undefined => {
    const found = best(score);
    if (found === undefined) return undefined;
    const { name, value } = found;
    return value >= DOES
      ? `${name} ${does} (${short(value)})`
      : `no head ${none} (at most ${short(value)}, ${name})`;
  };
  const attended = [
    said("induction", {
      does: "looks most at what came after the same token before",
      none: "looks much at what came after the same token before",
    }),
    said("previousToken", {
      does: "looks most at the token before",
      none: "looks much at the token before",
    }),
  ].filter((part) => part !== undefined);
  const copies = best("ovCopying");
  return [
    ...((repeated === null && texts === null) || attended.length === 0
      ? []
      : [`Of the ${heads.length} heads of ${model.name}, ${attended.join(", and ")}.`]),
    ...(copies === undefined
      ? []
      : [
          copies.value >= DOES
            ? `${copies.name} copies most: its OV circuit has a copying score of ${short(copies.value)}, where 1 is copying only and −1 the opposite.`
            : `No head’s OV circuit copies much: the highest copying score is ${short(copies.value)}, of ${copies.name}, where 1 is copying only and −1 the opposite.`,
        ]),
  ];
}

export function headsViews({ repeated, texts }: HeadsResult): View[] {
  const grid = (value: string, title: string, note: string): View => ({
    // Scores of different models are seen on one scale.
    ...{ mark: "grid", table: "head", x: "head", y: "layer", value, full: 1, select: "name" },
    ...{ title, note },
  });
  return [
    ...(repeated === null && texts === null
      ? []
      : [
          {
            ...({ mark: "scatter", table: "head", x: "induction", y: "ovCopying" } as const),
            ...{ label: "name", reach: { x: 1, y: 1 }, select: "name" },
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
