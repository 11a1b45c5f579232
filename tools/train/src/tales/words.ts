/** A person of a tale. */
export interface Person {
  readonly name: string;
  readonly he: "he" | "she";
  readonly him: "him" | "her";
  readonly his: "his" | "her";
  readonly self: "himself" | "herself";
}

/** A noun with its plural and its indefinite article. */
export interface Noun {
  readonly one: string;
  readonly many: string;
  /** With its article: `an apple`. */
  readonly a: string;
}

/** Somewhere to be: `in the park`, and `the park` to go to. */
export interface Place {
  readonly the: string;
  readonly at: string;
}

/** `an apple`, `a kind bear`. */
export function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
}

const female = (name: string): Person => ({
  name,
  he: "she",
  him: "her",
  his: "her",
  self: "herself",
});
const male = (name: string): Person => ({
  name,
  he: "he",
  him: "him",
  his: "his",
  self: "himself",
});
const noun = (one: string, many = `${one}s`): Noun => ({
  one,
  many,
  a: withArticle(one),
});
const place = (at: string): Place => ({ at, the: at.slice(at.indexOf("the ")) });

/** Everyone who can appear, as many women as men. */
export const people: readonly Person[] = [
  ..."Mary Anna Lily Emma Sarah Alice Clara Julia Kate Nora Ruth Grace Jane Lucy"
    .split(" ")
    .map(female),
  ..."John Tom Ben Peter James Jack Sam Paul Henry Oscar Leo Hugo Max Adam".split(" ").map(male),
];

/** What can be held, given, lost and found. */
export const things: readonly Noun[] =
  "book key apple ball flower letter ring cup hat kite lamp bell drum coin map shell cake pear"
    .split(" ")
    .map((word) => noun(word));

/** Those of `things` that can be eaten. */
export const foods: readonly Noun[] = things.filter(({ one }) =>
  ["apple", "cake", "pear"].includes(one),
);

/** Those of `things` that do not spoil in a box. */
export const treasures: readonly Noun[] = things.filter((thing) => !foods.includes(thing));

/** What things are put in. */
export const containers: readonly string[] = ["box", "basket", "bag", "jar", "chest"];

export const colours: readonly string[] = [
  "red",
  "blue",
  "green",
  "yellow",
  "white",
  "black",
  "brown",
];

export const animals: readonly Noun[] = [
  ..."cat dog fox bird horse owl bear hen duck frog goat"
    .split(" ")
    .map((word) => noun(word, word === "fox" ? "foxes" : `${word}s`)),
  noun("mouse", "mice"),
];

export const places: readonly Place[] = [
  "at the market",
  "in the park",
  "at the school",
  "at the store",
  "in the garden",
  "by the river",
  "in the forest",
  "on the beach",
  "on the farm",
  "in the castle",
  "near the bridge",
  "on the hill",
  "at the mill",
  "by the lake",
  "in the village",
  "in the tower",
].map(place);

/** Words for a spell: one syllable, no meaning in that order. */
export const spellWords: readonly string[] = [
  ..."moon star sun tree stone wind rain snow fire".split(" "),
  ..."key ring cup hat kite lamp bell drum coin map shell box jar".split(" "),
  ..."cat dog fox bird owl bear hen duck frog goat mouse".split(" "),
];

/** How someone can feel. */
export const moods: readonly string[] = ["happy", "sad", "tired", "hungry", "cold", "proud"];

/** When a tale begins. */
export const times: readonly string[] = ["morning", "day", "evening", "night"];
