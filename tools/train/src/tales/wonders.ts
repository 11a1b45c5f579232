import { type Scene, type Stage, somewhere, twoOf } from "./stage.ts";
import { animals, foods, type Noun, type Person, treasures } from "./words.ts";

const three = ({ random }: Stage): readonly [Noun, Noun, Noun] => {
  const [a, b, c] = random.sample(animals, 3);
  return [a as Noun, b as Noun, c as Noun]; // there are twelve
};

/** Small things that happen in tales, in which something said is taken up again. */
const wonders: readonly ((a: Person, b: Person, stage: Stage) => string)[] = [
  (a, _, stage) => {
    const [x, y, z] = three(stage);
    return `${a.name} told the ${x.one} a secret. The ${x.one} told the ${y.one}, the ${y.one} told the ${z.one}, and soon all the ${z.many} knew.`;
  },
  (a, b, stage) => {
    const [x, y, z] = three(stage);
    return `The ${x.one} ran after the ${y.one}, the ${y.one} ran after the ${z.one}, and ${b.name} ran after ${a.name}.`;
  },
  (_, __, stage) => {
    const [x, y] = three(stage);
    return `The ${x.one} and the ${y.one} were good friends. When the ${x.one} was sad, the ${y.one} sang. When the ${y.one} was sad, the ${x.one} sang.`;
  },
  (a, _, stage) => {
    const { one, many } = three(stage)[0];
    return `${a.name} could not sleep. "One ${one}, two ${many}, three ${many}, four ${many}," said ${a.name}, and soon ${a.he} slept.`;
  },
  (a, b, { random }) => {
    const { one } = random.pick(treasures);
    return `The wind took the ${one} of ${a.name}. ${a.name} ran and the wind ran, but ${b.name} was as fast as the wind and found the ${one}.`;
  },
  (a, _, stage) => {
    const { one } = three(stage)[0];
    const food = stage.random.pick(foods).a;
    return `Every night the ${one} waited by the door, and every night ${a.name} gave it ${food}. One night the ${one} gave ${a.name} ${food}.`;
  },
  (_, __, stage) => {
    const { one } = three(stage)[0];
    const sight = stage.random.pick(["sea", "snow", "king", "queen", "fire"]);
    return `A little ${one} wanted to see the ${sight}. So the ${one} walked and walked, and at last it saw the ${sight}.`;
  },
  (a, b, stage) => {
    const { at } = somewhere(stage);
    const { one } = stage.random.pick(treasures);
    return `${a.name} lost a ${one} ${at}. ${a.name} looked and ${b.name} looked, and there was the ${one}, ${at}.`;
  },
  (a, b, { random }) => {
    const sky = random.pick(["moon", "sun", "wind", "rain", "snow"]);
    return `"Who made the ${sky}?" asked ${a.name}. ${b.name} did not know, and the ${sky} did not say.`;
  },
  (a, b, stage) => {
    const { one } = three(stage)[0];
    return `The ${one} sang to ${a.name}. The ${one} sang to ${b.name}. ${a.name} and ${b.name} sang to the ${one}.`;
  },
];

/** A small wonder, with a part that the words before it foretell. */
export const wonder: Scene = (stage) => stage.random.pick(wonders)(...twoOf(stage), stage);
