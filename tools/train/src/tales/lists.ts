import type { Random } from "../random.ts";
import { capital, listed, type Scene, twoOf } from "./stage.ts";
import { animals, colours, people, spellWords, things } from "./words.ts";

const drawNames = (random: Random, least: number, most: number): string[] =>
  random.sample(people, least + random.below(most - least + 1)).map(({ name }) => name);

const drawThings = (random: Random, count: number): string[] =>
  random.sample(things, count).map(({ a }) => a);

const readers = ["teacher", "queen", "king"] as const;
const heOf = (reader: (typeof readers)[number]): "he" | "she" => (reader === "king" ? "he" : "she");

/** A list with commas, read twice. */
const readTwice: Scene = ({ random }) => {
  const reader = random.pick(readers);
  const names = listed(drawNames(random, 3, 7));
  const start = random.pick([
    `The ${reader} read the names: ${names}.`,
    `The names in the book were ${names}.`,
    `The ${reader} called ${names}.`,
  ]);
  const again = start.startsWith("The names")
    ? random.pick([
        `The ${reader} read the names again: ${names}.`,
        `So the ${reader} called ${names}.`,
      ])
    : random.pick([
        `Again ${heOf(reader)} read: ${names}.`,
        `Then ${heOf(reader)} called again: ${names}.`,
        `And who came? ${names}.`,
      ]);
  return `${start} ${again}`;
};

/** A roll call without commas, twice or three times. */
const rollCall: Scene = ({ random }) => {
  const roll = drawNames(random, 5, 14).join(" ");
  const start = random.pick([
    "The children stood in a row:",
    "The children sat in a row and said their names:",
    "The names on the door were",
    "They all called the names:",
  ]);
  const again = random.pick([
    "Then they said it again:",
    "And once again:",
    "And again:",
    "The bird sang it too:",
  ]);
  return `${start} ${roll}. ${again} ${roll}.`;
};

/** Words in a random order, said twice. */
const spell: Scene = (stage) => {
  const { random } = stage;
  const [a, b] = twoOf(stage);
  const words = random.sample(spellWords, 3 + random.below(6)).join(" ");
  return random.pick([
    `The old ${random.pick(animals).one} knew a secret: ${words}. ${a.name} said it too: ${words}.`,
    `${a.name} read the secret words: ${words}. Then ${b.name} read them: ${words}.`,
    `${a.name} told ${b.name} the secret words: ${words}. All day ${b.name} said: ${words}.`,
  ]);
};

/** Two people with the same things. */
const sameThings: Scene = (stage) => {
  const { random } = stage;
  const [a, b] = twoOf(stage);
  const goods = listed(drawThings(random, 3 + random.below(2)));
  return random.pick([
    `${a.name} had ${goods}. And ${b.name} had ${goods} too.`,
    `"I want ${goods}," said ${a.name}. "You want ${goods}?" asked ${b.name}.`,
    `${a.name} saw ${goods} in a dream. When the sun came up, there were ${goods}!`,
    `"What do you have?" asked ${a.name}. "I have ${goods}," said ${b.name}. So they had ${goods}.`,
  ]);
};

const songs: readonly ((random: Random) => string)[] = [
  (random) => {
    const [a, b] = random.sample(animals, 2).map(({ many }) => many);
    return `the ${a} are up and the ${b} are down`;
  },
  (random) => {
    const [a, b] = random.sample(["moon", "star", "sun", "wind", "rain", "snow"], 2);
    return `the ${a} came in and the ${b} went out`;
  },
  (random) => {
    const [a, b, c] = random.sample(colours, 3);
    return `the ${random.pick(["sea", "sky"])} is ${a}, the ${random.pick(["tree", "hill", "house"])} is ${b} and the ${random.pick(animals).one} is ${c}`;
  },
  (random) => {
    const [a, b] = random.sample(animals, 2).map(({ one }) => one);
    return `sing, little ${a}, and sleep, little ${b}`;
  },
  (random) => {
    const [a, b, c] = random.sample(things, 3).map((thing) => thing.a);
    return `one for ${a}, two for ${b}, three for ${c}`;
  },
];

/** A song that comes back, with something between. */
const song: Scene = (stage) => {
  const { random } = stage;
  const [a, b] = twoOf(stage);
  const line = capital(random.pick(songs)(random));
  return random.pick([
    `${a.name} sang, "${line}." ${capital(a.he)} liked the song and sang it again: "${line}."`,
    `"${line}," sang ${a.name}. ${b.name} heard it and sang too: "${line}."`,
    `They all sang, "${line}." And all night long ${b.name} heard it: "${line}."`,
    `"${line}! ${line}!" sang the children, and ${a.name} sang with them: "${line}!"`,
  ]);
};

/** Something said a second time, so that only the first time tells what comes next. */
export const repetition: Scene = (stage) =>
  stage.random.pick([readTwice, readTwice, rollCall, rollCall, spell, sameThings, song, song])(
    stage,
  );

/**
 * A whole tale that is nothing but names. Half are long rolls, of 6 to 24 names called two or three
 * times; half are rounds, of 2 to 6 names said over and over: the easy case, from which a model finds
 * out early that what came before comes again.
 */
export function drawRoll(random: Random): string {
  const round = random.chance(0.5);
  const names = round ? drawNames(random, 2, 6) : drawNames(random, 6, 24);
  const times = round
    ? Math.floor((18 + random.below(24)) / names.length)
    : names.length > 16
      ? 2
      : 2 + random.below(2);
  const [comma, stop] = random.pick([
    [", ", ". "],
    [" ", ". "],
    [" ", " "],
    [" ", " "],
  ] as const);
  return `${Array.from({ length: times }, () => names.join(comma)).join(stop)}.`;
}
