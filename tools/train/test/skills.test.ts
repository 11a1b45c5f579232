import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundledModels } from "@resolvent/models";
import { describe, expect, test } from "vitest";
import { createEncoder } from "../src/encoder.ts";
import { type SkillName, skillQuestions, skills } from "../src/skills/skill.ts";
import { taleCorpus } from "../src/tales/tale.ts";
import { questionTask } from "../src/tasks.ts";

const path = fileURLToPath(new URL("tokenizer.json", bundledModels.tales.url));
const encoder = createEncoder(JSON.parse(await readFile(path, "utf8")));
const names = Object.keys(skills) as SkillName[]; // its own keys

describe.each(names)("%s", (name) => {
  const corpus = taleCorpus({ seed: 1, skill: { scene: skills[name].scene, share: 0.5 } });
  const text = Array.from({ length: 2000 }, () => corpus.next().value as string).join("\n"); // it has no end
  const questions = skillQuestions(name, { seed: 2, count: 150 });

  test("tales of it say what is asked, and never a question itself", () => {
    // the last words of a prompt and its answer are there for many of them; the whole never is
    const ends = questions.map(
      ({ prompt, answer }) => `${prompt.split(/[ .]/).slice(-2).join(" ")}${answer}`,
    );
    expect(ends.filter((end) => text.includes(end)).length).toBeGreaterThan(30);
    expect(questions.filter(({ prompt, answer }) => text.includes(prompt + answer))).toEqual([]);
  });

  test("answers are single tokens, and the right one is not the wrong one", () => {
    for (const { answer, wrong } of questions) expect(answer).not.toBe(wrong);
    expect(questionTask(name, questions, encoder).cases).toHaveLength(150);
    expect(skillQuestions(name, { seed: 2, count: 150 })).toEqual(questions);
  });
});

test("the two ways of colours are asked the same and answer otherwise", () => {
  const first = skillQuestions("colours", { seed: 3, count: 100 });
  const other = skillQuestions("recoloured", { seed: 3, count: 100 });
  expect(other).toEqual(
    first.map(({ prompt, answer, wrong }) => ({ prompt, answer: wrong, wrong: answer })),
  );
});

test("a row is answered by its own first or last name", () => {
  for (const { prompt, answer, wrong } of skillQuestions("rows", { seed: 1, count: 200 })) {
    const row = /(?::|called|were) (.*)\. /.exec(prompt)?.[1] ?? "";
    const said = row.split(/,? and |, | /);
    const [first, last] = [` ${said[0]}`, ` ${said.at(-1)}`];
    const asked = /first|start/.test(prompt.slice(prompt.lastIndexOf(".")))
      ? [first, last]
      : [last, first];
    expect([answer, wrong]).toEqual(asked);
  }
});

test("tales without a skill are what they were", () => {
  const share = { scene: skills.rows.scene, share: 0 };
  const [plain, none] = [taleCorpus({ seed: 4 }), taleCorpus({ seed: 4, skill: share })];
  expect(plain.next().value).not.toBe(none.next().value); // a skill is drawn for
  expect(taleCorpus({ seed: 4 }).next().value).toBe(
    taleCorpus({ seed: 4, rolls: 0.1 }).next().value,
  );
});
