import type { Random } from "../random.ts";
import { drawWhere } from "./reserved.ts";
import { capital, type Scene, somewhere, twoOf } from "./stage.ts";
import { animals, type Person, type Place, things } from "./words.ts";

/** One sentence (or two) in which someone gives something to the other of two people. */
export interface Giving {
  /** All of it up to the recipient's name, without the space before the name. */
  readonly prompt: string;
  readonly giver: Person;
  readonly recipient: Person;
}

/** A and B are in either order (ABBA and BABA); the giver's name and the action follow. */
const openings: readonly ((names: string, at: Place, random: Random) => string)[] = [
  (names, { the }) => `When ${names} went to ${the},`,
  (names, { at }) => `When ${names} were ${at},`,
  (names, { the }) => `Then ${names} went to ${the}.`,
  (names, { the }) => `After ${names} came home from ${the},`,
  (names, { at }) => `While ${names} were playing ${at},`,
  (names, { at }) => `${names} sat together ${at}, and`,
  (names, { at }) => `${names} had a long day ${at}. At last`,
  (names, { the }, random) =>
    `When ${names} came to ${the}, the ${random.pick(animals).one} was asleep. Then`,
  (names, { the }) => `Before ${names} left ${the},`,
  (names, { at }, random) => `${names} saw ${random.pick(animals).a} ${at}. Then`,
  (names, { at }, random) => `${names} were ${at} with the old ${random.pick(animals).one}. Soon`,
  (names, { the }) => `Then ${names} walked to ${the}, where`,
];

/** What the giver does, up to the recipient. */
const actions: readonly ((random: Random) => string)[] = [
  (random) => `gave ${random.pick(things).a} to`,
  (random) => `gave ${random.pick(things).a} to`,
  () => "gave a drink to",
  (random) => `handed ${random.pick(things).a} to`,
  (random) => `showed ${random.pick(things).a} to`,
  (random) => `brought ${random.pick(things).a} to`,
  (random) => `offered ${random.pick(things).a} to`,
  (random) => `passed ${random.pick(things).a} to`,
  (random) => `sang a ${random.pick(["happy", "sad", "little", "new"])} song to`,
  (random) => `told a ${random.pick(["long", "happy", "good", "little"])} story to`,
  (random) => `said good ${random.pick(["morning", "evening", "night"])} to`,
];

/**
 * A giving between two people, the first of whom gives. The combination of opening, both people and
 * action is one kept for evaluation where `reserved`, else one that is not.
 */
export function drawGiving(
  random: Random,
  [giver, recipient]: readonly [Person, Person],
  drawPlace: () => Place,
  reserved: boolean,
): Giving {
  const { opening, action } = drawWhere(
    () => ({ opening: random.below(openings.length), action: random.pick(actions)(random) }),
    (drawn) => ["giving", drawn.opening, giver.name, recipient.name, drawn.action],
    reserved,
  );
  const names = random.chance(0.5)
    ? `${giver.name} and ${recipient.name}`
    : `${recipient.name} and ${giver.name}`;
  const open = openings[opening] as (typeof openings)[number]; // opening is below the count
  const prompt = `${open(names, drawPlace(), random)} ${giver.name} ${action}`;
  return { prompt, giver, recipient };
}

const endings: readonly ((giver: Person) => string)[] = [
  () => ".",
  () => ".",
  () => ".",
  () => " with a smile.",
  () => " and laughed.",
  ({ he }) => `, because ${he} was kind.`,
];

const thanks: readonly ((giving: Giving) => string)[] = [
  ({ giver, recipient }) => `"Thank you, ${giver.name}," said ${recipient.name}.`,
  ({ giver, recipient }) =>
    `${giver.he === recipient.he ? recipient.name : capital(recipient.he)} smiled and said, "Thank you, ${giver.name}!"`,
  ({ giver, recipient }) => `${recipient.name} was very happy, and so was ${giver.name}.`,
  ({ giver, recipient }) => `So ${recipient.name} thanked ${giver.name}.`,
];

/** Someone gives something to someone: the name that is not repeated comes last. */
export const giving: Scene = (stage) => {
  const { random } = stage;
  const given = drawGiving(random, twoOf(stage), () => somewhere(stage), false);
  const first = `${given.prompt} ${given.recipient.name}${random.pick(endings)(given.giver)}`;
  return random.chance(0.45) ? `${first} ${random.pick(thanks)(given)}` : first;
};
