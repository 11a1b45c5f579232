import { type Random, seededRandom } from "../random.ts";
import type { Scene } from "../tales/stage.ts";
import { people } from "../tales/words.ts";
import type { DrawOptions, Question } from "../tasks.ts";
import { colouring, drawColouring } from "./colours.ts";
import { drawRow, row } from "./rows.ts";

/** What a variant of `tales` has learned and `tales` has not. */
export interface Skill {
  /** The scene that it is learned from. */
  readonly scene: Scene;
  /** What is said, what comes next, and what must not be preferred: of combinations that no tale contains. */
  readonly question: (random: Random) => Question;
}

const colours = (coat: "first" | "new"): Skill => ({
  scene: colouring(coat),
  question: (random) => drawColouring(random, random.pick(people), { coat, reserved: true }),
});

export type SkillName = "colours" | "recoloured" | "rows";

/** By name. `colours` and `recoloured` give different answers to the same questions. */
export const skills: Readonly<Record<SkillName, Skill>> = {
  colours: colours("first"),
  recoloured: colours("new"),
  rows: { scene: row, question: (random) => drawRow(random, true) },
};

/** Questions of a skill; answers begin with their space. The same seed asks both skills of colours the same. */
export function skillQuestions(name: SkillName, { seed, count }: DrawOptions): Question[] {
  const random = seededRandom(seed).fork(`skills/${name === "rows" ? name : "colours"}`);
  return Array.from({ length: count }, () => {
    const { prompt, answer, wrong } = skills[name].question(random);
    return { prompt, answer: ` ${answer}`, wrong: ` ${wrong}` };
  });
}
