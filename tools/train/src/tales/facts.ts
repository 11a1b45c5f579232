import type { Random } from "../random.ts";
import { type Scene, twoOf } from "./stage.ts";
import { animals, colours, containers, foods, type Person, places, treasures } from "./words.ts";

/** A fact that is told first and asked for later. */
export interface Fact {
  /** Everything up to the answer, without the space before it. */
  readonly prompt: string;
  /** The word that the fact says, and the one that the other fact of the tale says. */
  readonly answer: string;
  readonly wrong: string;
  /** What follows the answer. */
  readonly rest: string;
}

const where = (random: Random, [a, b]: readonly [Person, Person]): Fact => {
  const [x, y] = random.sample(treasures, 2).map(({ one }) => one);
  const [red, blue] = random.sample(colours, 2) as [string, string]; // there are more than two
  const box = random.pick(containers);
  const bag = random.pick(containers);
  const told = random.pick([
    `The ${x} was in the ${red} ${box}. The ${y} was in the ${blue} ${bag}.`,
    `${a.name} put the ${x} in the ${red} ${box} and the ${y} in the ${blue} ${bag}.`,
    `${a.name} put the ${x} in the ${red} ${box}. ${b.name} put the ${y} in the ${blue} ${bag}.`,
  ]);
  const first = random.chance(0.5);
  const asked = first ? x : y;
  const question = random.pick([
    `Where was the ${asked}? In the`,
    `"Where is the ${asked}?" asked ${b.name}. "It is in the`,
    `Then ${b.name} found the ${asked} in the`,
    `So ${b.name} looked for the ${asked} in the`,
  ]);
  return {
    prompt: `${told} ${question}`,
    answer: first ? red : blue,
    wrong: first ? blue : red,
    rest: ` ${first ? box : bag}${question.includes('"It') ? `," said ${a.name}` : ""}.`,
  };
};

const hats = (random: Random, [a, b]: readonly [Person, Person]): Fact => {
  const [red, blue] = random.sample(colours, 2) as [string, string]; // there are more than two
  const hat = random.pick(treasures).one;
  const told = random.pick([
    `${a.name} had a ${red} ${hat} and ${b.name} had a ${blue} ${hat}.`,
    `The ${hat} of ${a.name} was ${red}. The ${hat} of ${b.name} was ${blue}.`,
  ]);
  const first = random.chance(0.5);
  const { name } = first ? a : b;
  const asked = random.pick([
    `Soon the king asked ${name} for the`,
    `Look, ${name}, here is your ${hat}! It is`,
    `When ${name} came home, the ${hat} was still`,
  ]);
  return {
    prompt: `${told} ${asked}`,
    answer: first ? red : blue,
    wrong: first ? blue : red,
    rest: asked.endsWith("the") ? ` ${hat}.` : ".",
  };
};

const pets = (random: Random, [a, b]: readonly [Person, Person]): Fact => {
  const [cat, dog] = random.sample(animals, 2) as [
    (typeof animals)[number],
    (typeof animals)[number],
  ]; // there are more than two
  const first = random.chance(0.5);
  const { name, his } = first ? a : b;
  const told = random.pick([
    `${a.name} had ${cat.a} and ${b.name} had ${dog.a}.`,
    `${a.name} lived with ${cat.a}. ${b.name} lived with ${dog.a}.`,
  ]);
  const [asks, rest] = random.pick([
    [`At night ${name} called ${his}`, "."],
    [`Every morning ${name} sang to ${his}`, "."],
    [`When ${name} came home, there was the`, "."],
    [`"Come here," said ${name} to the`, "."],
  ] as const);
  return {
    prompt: `${told} ${asks}`,
    answer: (first ? cat : dog).one,
    wrong: (first ? dog : cat).one,
    rest,
  };
};

const likes = (random: Random, [a, b]: readonly [Person, Person]): Fact => {
  const [apple, cake] = random.sample(foods, 2) as [(typeof foods)[number], (typeof foods)[number]]; // there are three
  const first = random.chance(0.5);
  const { name } = first ? a : b;
  return {
    prompt: `${a.name} liked ${apple.many}, but ${b.name} liked ${cake.many}. ${random.pick([
      `So the queen gave ${name} some`,
      `So they brought ${name} some`,
      `In the evening ${name} ate all the`,
    ])}`,
    answer: (first ? apple : cake).many,
    wrong: (first ? cake : apple).many,
    rest: ".",
  };
};

/** Where one can live. */
const homePlaces = places.filter(({ the }) => !/market|park|school|store|garden/.test(the));

const homes = (random: Random, [a, b]: readonly [Person, Person]): Fact => {
  const [mill, hill] = random.sample(homePlaces, 2) as [
    (typeof places)[number],
    (typeof places)[number],
  ]; // there are more than two
  const first = random.chance(0.5);
  const { name } = first ? a : b;
  const told = `${a.name} lived ${mill.at} and ${b.name} lived ${hill.at}.`;
  return {
    prompt: `${told} ${random.pick([
      `When the day was over, ${name} went home to the`,
      `${name} was tired and walked back to the`,
      `If you look for ${name}, go to the`,
    ])}`,
    answer: (first ? mill : hill).the.slice(4),
    wrong: (first ? hill : mill).the.slice(4),
    rest: ".",
  };
};

/** Two facts of the same kind about two people or things, and a question about one of them. */
export function drawFact(random: Random, pair: readonly [Person, Person]): Fact {
  return random.pick([where, where, where, hats, pets, likes, homes])(random, pair);
}

/** A fact that can be told only from what was said before. */
export const fact: Scene = (stage) => {
  const { prompt, answer, rest } = drawFact(stage.random, twoOf(stage));
  return `${prompt} ${answer}${rest}`;
};
