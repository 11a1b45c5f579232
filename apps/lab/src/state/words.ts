import { type Certificate, percent, short } from "@resolvent/analysis";
import { counted, minuses, visible } from "@resolvent/figures";
import type { PathExpansion } from "@resolvent/paths";

/** A token as a sentence has it: without the space that it starts with. */
function quoted(text: string): string {
  const bare = text.trim();
  return `“${bare === "" ? visible(text) : bare}”`;
}

/** A number as a sentence has it. */
export function said(value: number): string {
  return minuses(short(value));
}

/** Sentences of a result, as a page has them: with minus signs, and no line between a number and its %. */
export function prose(text: string): string {
  return minuses(text).replace(/(?<=\d) %/g, "\u00a0%");
}

/** A number with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${short(value)}` : said(value);
}

/** Words that are named of many, and characters of each: a link may be full of nonsense. */
const NAMED = 8;
const SHORT = 20;

/** Words from anywhere as a sentence lists them. */
export function listed(words: readonly string[]): string {
  const named = words
    .slice(0, NAMED)
    .map((word) => (word.length > SHORT ? `${word.slice(0, SHORT)}…` : word));
  const more = words.length > NAMED ? `, and ${words.length - NAMED} more` : "";
  return `${named.join(", ")}${more}`;
}

/** What the screen shows, in three sentences made of numbers of the result. */
export function sentences({
  target: { a, b, value },
  routeCount,
  model,
  search,
  score,
  input: { tokens },
}: PathExpansion): readonly [string, string, string] {
  if (score !== undefined) {
    const { name, query, key, side, probability } = score;
    const token = (pos: number): string => `${quoted(tokens[pos]?.text ?? "")} (${pos})`;
    return [
      `${name} looks from ${token(query)} at ${token(key)} with ${percent(probability)}: its score there is ${said(Math.abs(value))} ${value < 0 ? "below" : "above"} that of the mean key.`,
      `That number is the sum of ${counted(routeCount)} routes to its ${side}, its ${side === "query" ? "keys" : "query"} held; the bars add them up by degree.`,
      "Pick a path to see where it runs, then take it away to see whether the head needs it.",
    ];
  }
  const many = counted(routeCount);
  const blocks = model.blocks.length;
  const by = said(Math.abs(value));
  // A logit, or the difference of two, always has a first token.
  const first =
    a === null || b === null
      ? `The model gives ${a === null ? "it" : quoted(a.text)} a logit of ${said(value)}.`
      : value < 0
        ? `The model prefers ${quoted(b.text)} to ${quoted(a.text)}, by ${by} logits.`
        : `The model continues with ${quoted(a.text)}, not ${quoted(b.text)}, by ${by} logits.`;
  const how = search.exhaustive ? "" : " The largest were found by a search.";
  return [
    first,
    `That number is the sum of ${many} routes through its ${blocks} blocks; the bars add them up by degree: how many blocks a route passes.${how}`,
    "Pick a path to see where it runs, then take it away to see whether the model needs it.",
  ];
}

/** What the badge says: whether the parts add up, and how exactly. */
export function badge({ verdict, relativeError, relativeErrorFloat64 }: Certificate): string {
  const error = relativeErrorFloat64 ?? relativeError;
  const figure = error === null ? "" : ` · ${short(error)}`;
  switch (verdict) {
    case "adds-up":
      return `adds up${figure}`;
    case "does-not-add-up":
      return `does not add up${figure}`;
    case "undefined":
      return "nothing to add up";
  }
}

/** The answer's probability in the run, where it is the likeliest token. */
export function probabilityOf({ answer, target }: PathExpansion): string | undefined {
  const [top] = answer.top;
  return top !== undefined && top.id === target.a?.id ? percent(top.probability) : undefined;
}

/** A remedy without options of the command; ids are written here in place of the text. */
export function inPage(remedy: string): string {
  return remedy.replace("(--tokens 1,2,3)", "(id:1, id:2)").replace(/ \(--[^)]*\)/g, "");
}
