import type { Prompt } from "@resolvent/analysis";

/** Ids of tokens as they are typed, and as tokens of a model without texts are shown, one after the other. */
const IDS = /^id:\d+(?:[\s,]*id:\d+)*$/;

/** A prompt as it is typed: a text, or `id:1, id:2`. */
export function promptText(prompt: Prompt): string {
  return typeof prompt === "string" ? prompt : prompt.map((id) => `id:${id}`).join(", ");
}

/** What is typed as a prompt. */
export function readPrompt(text: string): Prompt {
  return IDS.test(text.trim()) ? (text.match(/\d+/g) ?? []).map(Number) : text;
}

/** What stands where nothing is typed. */
export const PROMPT_HINT = "a text, or id:1, id:2, …";
