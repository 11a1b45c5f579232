import type { Random } from "../random.ts";
import { drawWhere } from "./reserved.ts";
import { type Scene, somewhere, twoOf } from "./stage.ts";
import { animals, foods, moods, type Person, type Place, things, treasures } from "./words.ts";

/** A sentence that names someone and then says he or she. */
export interface Pronoun {
  /** Everything up to the pronoun, without the space before it. */
  readonly prompt: string;
  readonly answer: string;
  readonly wrong: string;
  /** What follows the pronoun. */
  readonly rest: string;
}

type Form = "he" | "his" | "self";
interface Sentence {
  /** Up to the pronoun; `{mood}` and the other words in braces are filled in. */
  readonly before: string;
  readonly form: Form;
  readonly after: string;
}

const sentences: readonly Sentence[] = [
  { before: "{name} was cold, so", form: "he", after: " sat by the fire." },
  { before: "{name} was tired, so", form: "he", after: " slept by the fire." },
  { before: "{name} was sad because", form: "he", after: " had lost a {thing}." },
  { before: "{name} was happy because", form: "he", after: " had found a {thing}." },
  { before: "{name} was hungry, so", form: "he", after: " ate {food}." },
  { before: "{name} was {mood}, but", form: "he", after: " did not say so." },
  { before: "{name} ran home as fast as", form: "he", after: " could." },
  { before: "When {name} heard the {animal},", form: "he", after: " laughed." },
  { before: "When {name} came {to} alone,", form: "he", after: " saw {an animal}." },
  { before: "{name} could not find", form: "his", after: " {thing}." },
  { before: "{name} went {to} with", form: "his", after: " {relative}." },
  { before: "{name} looked for", form: "his", after: " little {animal}." },
  { before: "{name} told the {animal} about", form: "his", after: " {relative}." },
  { before: "{name} smiled to", form: "self", after: "." },
  { before: "{name} made {food} for", form: "self", after: "." },
  { before: "{name} sang to", form: "self", after: " all the way home." },
];

const relatives = ["mother", "father", "sister", "brother", "friend", "friends"];

/** A sentence about one person; sentence and name are a combination kept for evaluation where `reserved`, else not. */
export function drawPronoun(
  random: Random,
  person: Person,
  place: Place,
  reserved: boolean,
): Pronoun {
  const { sentence, filled } = drawWhere(
    () => ({
      sentence: random.pick(sentences),
      filled: {
        name: person.name,
        mood: random.pick(moods),
        thing: random.pick(treasures).one,
        food: random.pick(foods).a,
        animal: random.pick(animals).one,
        "an animal": random.pick(animals).a,
        to: `to ${place.the}`,
        relative: random.pick(relatives),
      } as Readonly<Record<string, string>>,
    }),
    (d) => ["pronoun", fill(d.sentence.before, d.filled)],
    reserved,
  );
  const other = person.he === "he" ? "she" : "he";
  const wrongs = { he: other, his: person.his === "his" ? "her" : "his", self: otherSelf(person) };
  return {
    prompt: fill(sentence.before, filled),
    answer: person[sentence.form],
    wrong: wrongs[sentence.form],
    rest: fill(sentence.after, filled),
  };
}

const otherSelf = ({ self }: Person): string => (self === "himself" ? "herself" : "himself");

const fill = (text: string, words: Readonly<Record<string, string>>): string =>
  text.replace(/\{([^}]+)\}/g, (_, key: string) => words[key] ?? key);

/** Someone is named, and then spoken of as he or she; sometimes two people in turn. */
export const pronoun: Scene = (stage) => {
  const { random } = stage;
  const [a, b] = twoOf(stage);
  const say = (person: Person): string => {
    const { prompt, answer, rest } = drawPronoun(random, person, somewhere(stage), false);
    return `${prompt} ${answer}${rest}`;
  };
  switch (random.below(4)) {
    case 0:
      return `${say(a)} ${say(b)}`;
    case 1: {
      const { one } = random.pick(things);
      return `${a.name} lost ${a.his} ${one}, but ${b.name} found it and gave it back to ${a.him}.`;
    }
    default:
      return say(a);
  }
};
