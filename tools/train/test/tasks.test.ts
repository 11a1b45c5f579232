import { describe, expect, test } from "vitest";
import { trainBpe } from "../src/bpe.ts";
import { createEncoder } from "../src/encoder.ts";
import { type LogitsOf, scoreTask } from "../src/score.ts";
import { taleCorpus } from "../src/tales/tale.ts";
import { people } from "../src/tales/words.ts";
import {
  agreementQuestions,
  allTasks,
  indirectObject,
  pronounQuestions,
  questionTask,
  quoteQuestions,
  repeatedNames,
  type Task,
} from "../src/tasks.ts";

const corpus = taleCorpus({ seed: 1 });
const texts = Array.from({ length: 6000 }, () => corpus.next().value as string); // it has no end
const all = texts.join("\n");
const encoder = createEncoder(trainBpe(texts));
const options = { seed: 1, count: 200 };
const tasks = allTasks({ ...options, encoder });
const taskOf = (name: string): Task => tasks.find((task) => task.name === name) as Task; // named below

/** Logits 1 at the ids that `next` gives, 0 elsewhere. */
const model =
  (next: (ids: readonly number[], pos: number) => readonly number[]): LogitsOf =>
  (ids) => {
    const logits = new Float32Array(ids.length * encoder.vocabSize);
    ids.forEach((_, pos) => {
      for (const id of next(ids, pos)) logits[pos * encoder.vocabSize + id] = 1;
    });
    return logits;
  };

/** What followed the last time that the present token was seen. */
const induction = model((ids, pos) => {
  const before = ids.lastIndexOf(ids[pos] as number, pos - 1);
  return before < 0 || pos === 0 ? [] : [ids[before + 1] as number]; // both are within ids
});

describe("the tasks", () => {
  test("are the same for the same seed, and fit a context of 128", () => {
    expect(allTasks({ ...options, encoder })).toEqual(tasks);
    expect(allTasks({ ...options, seed: 2, encoder })).not.toEqual(tasks);
    for (const { cases } of tasks) {
      expect(cases).toHaveLength(200);
      for (const { ids } of cases) {
        expect(ids.length).toBeLessThanOrEqual(128);
        expect(ids[0]).toBe(encoder.endOfText);
      }
    }
  });

  test("have different answers that are both possible", () => {
    for (const { cases } of tasks) {
      for (const { ids, targets } of cases) {
        expect(targets.length).toBeGreaterThan(0);
        for (const { pos, answer, wrong } of targets) {
          expect(pos).toBeLessThan(ids.length);
          expect(wrong).not.toBe(answer);
        }
      }
    }
  });

  test("ask what no training tale says", () => {
    const questions = [
      ...indirectObject(options),
      ...agreementQuestions(options),
      ...quoteQuestions(options),
      ...pronounQuestions(options),
    ];
    for (const { prompt, answer } of questions) expect(all).not.toContain(`${prompt}${answer}`);
  });

  test("indirectObject names both people and repeats the giver", () => {
    const count = (text: string, word: string): number => text.split(word).length - 1;
    for (const { prompt, answer, wrong } of indirectObject(options)) {
      expect(count(` ${prompt}`, answer)).toBe(1);
      expect(count(` ${prompt}`, wrong)).toBe(2);
    }
  });

  test("indirectObject cannot be won by the order of the names", () => {
    const asked = indirectObject({ ...options, count: 1000 });
    const first = asked.filter(({ prompt, answer, wrong }) => {
      const text = ` ${prompt}`;
      return text.indexOf(answer) < text.indexOf(wrong);
    });
    expect(Math.abs(first.length / 1000 - 0.5)).toBeLessThan(0.08); // 5 σ
  });

  test("agreement asks both numbers, with the other number next to the verb", () => {
    const asked = agreementQuestions(options);
    const plural = asked.filter(({ answer }) => answer === " were");
    expect(Math.abs(plural.length / asked.length - 0.5)).toBeLessThan(0.18); // 5 σ
    for (const { prompt, answer } of asked) {
      expect(/(s|mice|children)$/.test(prompt)).toBe(answer === " was");
    }
  });

  test("repeatedNames asks the second copy from its second name on", () => {
    const task = repeatedNames({ ...options, count: 3, length: 5, encoder });
    for (const { ids, targets } of task.cases) {
      expect(ids).toHaveLength(11);
      expect(ids.slice(1, 6)).toEqual(ids.slice(6));
      expect(new Set(ids).size).toBe(6);
      expect(targets).toEqual(
        [6, 7, 8, 9].map((pos) => ({ pos, answer: ids[pos + 1] as number })), // within ids
      );
    }
    expect(() => repeatedNames({ ...options, length: people.length + 1, encoder })).toThrow(
      expect.objectContaining({ code: "train/too-few-names" }),
    );
  });

  test("an answer of several tokens is refused", () => {
    const question = { prompt: "The", answer: " hippopotamus", wrong: " cat" };
    expect(() => questionTask("x", [question], encoder)).toThrow(
      expect.objectContaining({ code: "train/answer-tokens" }),
    );
  });
});

describe("scoreTask", () => {
  test("gives a pure induction head all of repeatedNames", () => {
    expect(scoreTask(taskOf("repeatedNames"), induction)).toEqual({
      name: "repeatedNames",
      targets: 200 * 11,
      top1: 1,
      preferred: undefined,
    });
  });

  test("counts a tie as a failure", () => {
    const flat = model(() => []);
    expect(scoreTask(taskOf("indirectObject"), flat)).toMatchObject({ top1: 0, preferred: 0 });
  });

  test("tells preferring the answer from putting it first", () => {
    const task: Task = {
      name: "x",
      cases: [{ ids: [0, 1], targets: [{ pos: 1, answer: 2, wrong: 3 }] }],
    };
    expect(scoreTask(task, () => [9, 9, 9, 9, 5, 0, 2, 1])).toEqual({
      name: "x",
      targets: 1,
      top1: 0,
      preferred: 1,
    });
    expect(scoreTask(task, () => [0, 0, 0, 0, 5, 0, 6, 1])).toMatchObject({ top1: 1 });
    expect(() => scoreTask(task, () => [1, 2, 3])).toThrow(
      expect.objectContaining({ code: "train/logits-size" }),
    );
  });
});
