import type { Random } from "../random.ts";
import { drawWhere } from "./reserved.ts";
import { capital, type Scene, twoOf } from "./stage.ts";

type Forms = readonly [one: string, many: string];
const forms = (...words: string[]): Forms[] =>
  words.map((word) => {
    const [one, many] = word.split("/") as [string, string?]; // split gives at least one part
    return [one, many ?? `${one}s`];
  });

interface Frame {
  readonly heads: readonly Forms[];
  readonly links: readonly string[];
  readonly others: readonly Forms[];
  readonly adjectives: readonly string[];
  /** What the heads do, with and without -s; as often as being something. */
  readonly verbs?: readonly Forms[];
}

const spots = forms("tree", "gate", "wall", "window", "door", "house", "tower", "stone");
const frames: readonly Frame[] = [
  {
    heads: forms("key"),
    links: ["to the"],
    others: forms("gate", "door", "house", "tower", "box/boxes", "chest"),
    adjectives: ["old", "small", "new", "lost"],
  },
  {
    heads: forms("book", "letter", "map", "song"),
    links: ["about the", "from the"],
    others: forms("king", "queen", "bear", "owl", "horse"),
    adjectives: ["old", "long", "new", "good", "lost"],
  },
  {
    heads: forms("lamp", "flower", "bell", "kite"),
    links: ["near the", "by the", "behind the"],
    others: spots,
    adjectives: ["old", "small", "new", "red", "yellow", "white"],
  },
  {
    heads: forms("cat", "dog", "horse", "mouse/mice", "goat", "hen", "bear"),
    links: ["near the", "by the", "behind the"],
    others: [...spots, ...forms("child/children", "bird", "duck")],
    adjectives: ["tired", "happy", "hungry", "quiet", "old", "small", "asleep"],
    verbs: [
      ["runs", "run"],
      ["sleeps", "sleep"],
      ["waits", "wait"],
    ],
  },
  {
    heads: forms("bird", "owl", "frog"),
    links: ["near the", "behind the", "above the"],
    others: spots,
    adjectives: ["quiet", "happy", "hungry", "small", "asleep"],
    verbs: [
      ["sings", "sing"],
      ["sleeps", "sleep"],
    ],
  },
  {
    heads: forms("boy", "girl", "child/children", "king", "queen"),
    links: ["with the", "near the", "behind the"],
    others: forms("book", "lamp", "hat", "bell", "cat", "dog", "horse", "drum"),
    adjectives: ["happy", "tired", "kind", "quiet", "proud", "brave"],
    verbs: [
      ["sings", "sing"],
      ["waits", "wait"],
      ["laughs", "laugh"],
    ],
  },
];

/** A subject with a phrase in between, and the verb that has to agree with its first noun. */
export interface Agreement {
  /** `The key to the gates`. */
  readonly subject: string;
  readonly plural: boolean;
  /** Whether the noun next to the verb has the other number. */
  readonly attracted: boolean;
  /** The verb that agrees, and the same verb in the other number. */
  readonly verb: string;
  readonly wrong: string;
  /** What follows the verb: ` old`, or nothing. */
  readonly rest: string;
}

/** A subject and verb; nouns and link are a combination kept for evaluation where `reserved`, else not. */
export function drawAgreement(
  random: Random,
  tense: "past" | "present",
  reserved: boolean,
): Agreement {
  const frame = random.pick(frames);
  const { head, link, other, plural, otherPlural } = drawWhere(
    () => ({
      head: random.pick(frame.heads),
      link: random.pick(frame.links),
      other: random.pick(frame.others),
      plural: random.chance(0.5),
      otherPlural: random.chance(0.5),
    }),
    (d) => ["agreement", d.head[0], d.link, d.other[0], d.plural ? 1 : 0, d.otherPlural ? 1 : 0],
    reserved,
  );
  const subject = `The ${head[plural ? 1 : 0]} ${link} ${other[otherPlural ? 1 : 0]}`;
  const acts = tense === "present" && frame.verbs !== undefined && random.chance(0.5);
  const be: Forms = tense === "past" ? ["was", "were"] : ["is", "are"];
  const verb = acts ? random.pick(frame.verbs ?? [be]) : be;
  return {
    subject,
    plural,
    attracted: plural !== otherPlural,
    verb: verb[plural ? 1 : 0],
    wrong: verb[plural ? 0 : 1],
    rest: acts ? "" : ` ${random.pick(frame.adjectives)}`,
  };
}

const sentence = ({ subject, verb, rest }: Agreement): string => `${subject} ${verb}${rest}`;

/** A verb that agrees with a noun further back than the nearest one. */
export const agreement: Scene = (stage) => {
  const { random } = stage;
  const past = (): string => sentence(drawAgreement(random, "past", false));
  const present = (): string => sentence(drawAgreement(random, "present", false));
  const [a, b] = twoOf(stage);
  switch (random.below(6)) {
    case 0:
      return `${past()}. ${past()} too.`;
    case 1:
      return `${past()}, and ${past().replace("The", "the")}.`;
    case 2: {
      const seen = present();
      return `"${seen}," said ${a.name}. "Yes," said ${b.name}, "${seen.replace("The", "the")}."`;
    }
    case 3:
      return `${a.name} said, "${present()}."`;
    case 4:
      return `${past()}. ${a.name} looked at ${b.name} and ${b.name} looked at ${a.name}.`;
    default:
      return `${past()}, so ${a.name} ${random.pick(["smiled", "laughed", "waited"])}. ${capital(a.he)} was ${random.pick(["happy", "tired", "proud", "kind"])}.`;
  }
};
