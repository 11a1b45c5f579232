import type { Random } from "../random.ts";
import { isReserved } from "./reserved.ts";
import { type Scene, type Stage, somewhere, twoOf } from "./stage.ts";
import { animals, moods, type Person, things } from "./words.ts";

/** Someone speaks, and the other of two people answers. */
const talks: readonly ((a: Person, b: Person, stage: Stage) => string)[] = [
  (a, b, stage) =>
    `"Where are you going?" asked ${a.name}. "To ${somewhere(stage).the}," said ${b.name}. "Come with me, ${a.name}!"`,
  (a, b, { random }) => {
    const mood = random.pick(moods);
    return `"I am ${mood}," said ${a.name}. "I am ${mood} too," said ${b.name}.`;
  },
  (a, b, { random }) => {
    const animal = random.pick(animals);
    return `"What do you see?" ${a.name} asked ${b.name}. "I see ${animal.a}," said ${b.name}. So ${a.name} looked, and there was the ${animal.one}.`;
  },
  (a, b, { random }) => {
    const { one } = random.pick(things);
    return `"Is this your ${one}, ${a.name}?" asked ${b.name}. "${random.pick(["Yes", "No"])}, ${b.name}," said ${a.name}.`;
  },
  (a, b, { random }) => {
    const animals_ = random.pick(animals).many;
    return `"Do you like ${animals_}?" asked ${a.name}. "Yes," said ${b.name}, "I like ${animals_} very much."`;
  },
  (a, b) =>
    `"Who are you?" asked the king. "I am ${a.name}, and this is ${b.name}," said ${a.name}.`,
  (a, b) => `"Who is there?" asked ${a.name}. "It is ${b.name}!" said ${b.name}.`,
  (a, b, stage) => {
    const { at } = somewhere(stage);
    return `"Let us meet ${at}," said ${a.name}. So ${b.name} went to look, and there ${a.he} was, ${at}.`;
  },
  (a, b, { random }) => {
    const time = random.pick(["day", "night", "morning"]);
    return `"What a ${random.pick(["cold", "long", "quiet", "bright"])} ${time}!" said ${a.name}. "It is a good ${time} for a song," said ${b.name}.`;
  },
  (a, b, { random }) => {
    const { one } = random.pick(animals);
    return `"Be quiet, little ${one}," said ${a.name}. The ${one} looked at ${b.name} and was quiet.`;
  },
];

/** Something said to someone, who answers with the same words. */
export interface Quote {
  /** Up to the name of the second speaker, without the space before it. */
  readonly prompt: string;
  /** The one who was spoken to, and so speaks next. */
  readonly answer: string;
  readonly wrong: string;
}

/** Whether `b` greeting `a` is kept for evaluation. */
export function isReservedGreeting([a, b]: readonly [Person, Person]): boolean {
  return isReserved("greeting", a.name, b.name);
}

/** `b` greets `a` and is greeted back: the names change places, and the quotes open and close. */
export function drawGreeting(random: Random, [a, b]: readonly [Person, Person]): Quote {
  const [greeting, end] = random.pick([
    ["Good night", ","],
    ["Good evening", ","],
    ["Good morning", "!"],
  ] as const);
  return {
    prompt: `"${greeting}, ${a.name}${end}" said ${b.name}. "${greeting}, ${b.name}${end}" said`,
    answer: a.name,
    wrong: b.name,
  };
}

/** Two people of the cast talk. Every quote that is opened is closed, and its speaker named. */
export const quotes: Scene = (stage) => {
  const { random } = stage;
  const pair = twoOf(stage);
  if (random.chance(0.2) && !isReservedGreeting(pair)) {
    const { prompt, answer } = drawGreeting(random, pair);
    return `${prompt} ${answer}.`;
  }
  return random.pick(talks)(...pair, stage);
};
