import type { Random } from "../random.ts";
import { type Person, type Place, people, places } from "./words.ts";

/** What the scenes of one tale have in common. */
export interface Stage {
  readonly random: Random;
  /** Two to four people, each with another name. */
  readonly cast: readonly Person[];
  /** Where the tale begins. */
  readonly place: Place;
}

/** A part of a tale: one or more whole sentences. */
export type Scene = (stage: Stage) => string;

/** A stage with its people chosen. */
export function setStage(random: Random): Stage {
  return { random, cast: random.sample(people, 2 + random.below(3)), place: random.pick(places) };
}

/** Two different people of the cast, in random order. */
export function twoOf({ random, cast }: Stage): [Person, Person] {
  const [a, b] = random.sample(cast, 2);
  return [a as Person, b as Person]; // a cast has at least two
}

/** The tale's own place half of the time, else any. */
export function somewhere({ random, place }: Stage): Place {
  return random.chance(0.5) ? place : random.pick(places);
}

/** With a capital first letter, as a sentence begins. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
