import { expect, test } from "vitest";
import { innerTokens } from "../src/state/inner-tokens.ts";
import { promptText, readPrompt } from "../src/state/prompt-text.ts";

test("a prompt is typed as a text, or as ids", () => {
  for (const prompt of ["Once upon", "id:", "an id:7", "id:7 of many", "7, 8", [7], [7, 12, 0]])
    expect(readPrompt(promptText(prompt))).toEqual(prompt);
  // As tokens without texts are shown, and as people separate them.
  for (const text of ["id:7id:12", " id:7 id:12\n", "id:7,id:12"])
    expect(readPrompt(text)).toEqual([7, 12]);
});

test("what begins and ends every text is no part of a word", () => {
  const tokens = (...ids: number[]) => ids.map((id) => ({ id, text: "" }));
  expect(innerTokens(tokens(5, 6), tokens())).toEqual(tokens(5, 6));
  expect(innerTokens(tokens(1, 5), tokens(1))).toEqual(tokens(5));
  expect(innerTokens(tokens(1, 5, 6, 2), tokens(1, 2))).toEqual(tokens(5, 6));
  expect(innerTokens(tokens(5, 2), tokens(2))).toEqual(tokens(5));
});
