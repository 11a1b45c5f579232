/** Longest name that is compared; the cost is the product of the two lengths. */
const LONGEST = 200;

/** Edit distance (Levenshtein 1966): insertions, deletions and replacements that turn one word into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1); // rows have b.length + 1 entries
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/**
 * Up to three of `names` that the caller may have meant: those that end in the wanted name or that it ends in
 * (a missing or spare `transformer.`), then those a few letters away.
 */
export function nearestNames(wanted: string, names: Iterable<string>): string[] {
  if (wanted === "" || wanted.length > LONGEST) return [];
  const reach = Math.max(2, Math.floor(wanted.length / 4));
  const near: { name: string; score: number }[] = [];
  let compared = 0;
  for (const name of names) {
    if (name.endsWith(`.${wanted}`) || wanted.endsWith(`.${name}`)) near.push({ name, score: 0 });
    else if (Math.abs(name.length - wanted.length) <= reach && compared++ < 10_000) {
      const score = distance(wanted, name);
      if (score <= reach) near.push({ name, score });
    }
  }
  return near
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `Did you mean "tales"? `, of names that are near, to stand before what else can be done; nothing where there are none. */
export function didYouMean(near: readonly string[]): string {
  if (near.length === 0) return "";
  return `Did you mean ${near.map((name) => JSON.stringify(name)).join(" or ")}? `;
}
