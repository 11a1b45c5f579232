import type { Random } from "../random.ts";
import { drawWhere } from "../tales/reserved.ts";
import { listed, type Scene } from "../tales/stage.ts";
import { people } from "../tales/words.ts";

/** Names in a row, and a question about one of its ends. */
export interface Row {
  /** Everything up to the name that is asked for, without the space before it. */
  readonly prompt: string;
  readonly answer: string;
  /** The name at the other end. */
  readonly wrong: string;
}

const starts: readonly string[] = [
  "The children stood in a row:",
  "One by one they came home:",
  "The teacher called",
  "In the row were",
];

/** How the first and the last of a row are asked for. */
const questions: readonly (readonly [first: string, last: string])[] = [
  ["The first was", "The last was"],
  ["The first of them was", "The last of them was"],
  ["At the start was", "At the end was"],
];

/** A row; start, question and the names at both ends are a combination kept for evaluation where `reserved`, else not. */
export function drawRow(random: Random, reserved: boolean): Row {
  const { start, question, first, names } = drawWhere(
    () => ({
      start: random.below(starts.length),
      question: random.below(questions.length),
      first: random.chance(0.5),
      names: random.sample(people, 3 + random.below(4)).map(({ name }) => name),
    }),
    (drawn) => ["row", drawn.start, drawn.question, drawn.names[0] ?? "", drawn.names.at(-1) ?? ""],
    reserved,
  );
  const row = random.chance(0.5) ? listed(names) : names.join(" ");
  const asked = (questions[question] ?? [])[first ? 0 : 1]; // below the count
  const ends = [names[0] ?? "", names.at(-1) ?? ""] as const; // at least three
  return {
    prompt: `${starts[start]} ${row}. ${asked}`,
    answer: ends[first ? 0 : 1],
    wrong: ends[first ? 1 : 0],
  };
}

/** A scene that asks for one end of a row of names. */
export const row: Scene = ({ random }) => {
  const { prompt, answer } = drawRow(random, false);
  return `${prompt} ${answer}.`;
};
