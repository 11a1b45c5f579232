import { type Random, seededRandom } from "../random.ts";
import { agreement } from "./agreement.ts";
import { fact } from "./facts.ts";
import { giving } from "./giving.ts";
import { drawRoll, repetition } from "./lists.ts";
import { pronoun } from "./pronouns.ts";
import { quotes } from "./quotes.ts";
import { listed, type Scene, type Stage, setStage } from "./stage.ts";
import { wonder } from "./wonders.ts";
import { animals, times, withArticle } from "./words.ts";

/** Which of two never-meeting streams of tales: those to train on, or those to measure loss on. */
export type Split = "train" | "held-out";

export interface TaleOptions {
  /** Any number; the same seed gives the same tales. */
  readonly seed: number;
  /** Default `train`. */
  readonly split?: Split;
  /** The share of tales that are nothing but a roll of names; default 0.1. More of them teach induction sooner. */
  readonly rolls?: number;
  /** A kind of scene that other tales have not, and its share of all scenes; default none. */
  readonly skill?: { readonly scene: Scene; readonly share: number };
}

/** How often each kind of scene comes, in parts of the whole. */
const scenes: readonly (readonly [weight: number, scene: Scene])[] = [
  [32, giving],
  [16, repetition],
  [13, agreement],
  [17, fact],
  [10, pronoun],
  [13, quotes],
  [10, wonder],
];
const bag: readonly Scene[] = scenes.flatMap(([weight, scene]) => Array(weight).fill(scene));

const begin = ({ random, cast, place }: Stage): string => {
  const names = listed(cast.map(({ name }) => name));
  const { one } = random.pick(animals);
  const adjective = random.pick(["old", "little", "kind", "brave"]);
  return random.pick([
    `Once upon a time there was ${withArticle(`${adjective} ${one}`)} ${place.at}.`,
    `Once upon a time ${names} lived ${place.at}.`,
    `One ${random.pick(times)} ${names} met ${place.at}.`,
    `One night the moon was ${random.pick(["red", "yellow", "white"])}.`,
    `This is the story of ${names}.`,
    `There were ${["two", "three", "four"][cast.length - 2]} friends, ${names}.`,
    `It was a ${random.pick(["cold", "warm", "quiet", "bright"])} ${random.pick(times)} ${place.at}.`,
    `Long ago there was ${withArticle(`${adjective} ${random.pick(["king", "queen"])}`)} ${place.at}.`,
  ]);
};

const end = (stage: Stage): string => {
  const { random, cast, place } = stage;
  const [first] = cast;
  const names = listed(cast.map(({ name }) => name));
  return random.pick([
    "And that was the end of the day.",
    "And so they all went home.",
    `Then ${names} went home.`,
    `And all was quiet ${place.at}.`,
    `The moon came up, and ${first?.name} slept.`,
    `And ${names} were friends for a long time.`,
    `And nobody but ${names} ever knew.`,
  ]);
};

/** One tale of some 40 to 120 tokens: scenes that share a cast and a place. */
function drawTale(random: Random, rolls: number, skill: TaleOptions["skill"]): string {
  if (random.chance(rolls)) return drawRoll(random);
  const stage = setStage(random);
  const parts: string[] = [];
  if (random.chance(0.5)) parts.push(begin(stage));
  const enough = 150 + random.below(190); // characters, at about 4.5 a token
  let last: Scene | undefined;
  for (let length = 0; length < enough; ) {
    const scene = skill && random.chance(skill.share) ? skill.scene : random.pick(bag);
    if (scene === last && scene !== skill?.scene) continue; // one kind does not follow itself
    last = scene;
    const part = scene(stage);
    parts.push(part);
    length += part.length;
  }
  if (random.chance(0.4)) parts.push(end(stage));
  return parts.join(" ");
}

/** Short English tales without end, in an order that depends on seed and split only. */
export function* taleCorpus({
  seed,
  split = "train",
  rolls = 0.1,
  skill,
}: TaleOptions): Generator<string> {
  const random = seededRandom(seed).fork(`tales/${split}`);
  for (;;) yield drawTale(random, rolls, skill);
}
