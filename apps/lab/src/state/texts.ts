import type { Findings, Work } from "@resolvent/analysis/remote";
import type { Question } from "./question.ts";

/** Tokens of a text that a model writes. */
const LENGTH = 100;

/** The work by which a model goes on with a text, at random. */
export function writingWork({ model, prompt }: Question, seed: number): Work {
  const values = { prompt, generate: LENGTH, temperature: 1, seed, top: 1 };
  return { analysis: "run", model, values, precision: "f32", float64: false };
}

/** What it has written, after what it went on with. */
export function writtenText({ result }: Pick<Findings, "result">): string {
  const { input, generated } = Object(result);
  const before = (input?.tokens ?? []).map(({ text }: { readonly text: string }) => text).join("");
  return `${before}${generated?.text ?? ""}`;
}
