import { endOfText } from "./bpe.ts";
import { type DrawnTokens, repeatedTokens } from "./repeats.ts";
import { type SkillName, skills } from "./skills/skill.ts";
import { type TaleOptions, taleCorpus } from "./tales/tale.ts";

/** Same seed, same samples: for texts that nothing was trained on, whatever the seed. */
const SEED = 11;

/** A line of tales has at least this many characters: about the 128 tokens that `tales` reads, or more. */
const LINE = 4 * 128;

/**
 * Held-out tales, as a text of lines: each is a sequence as in training, tales with `<|endoftext|>` before each.
 *
 * @param count lines
 */
export function talesSample(count: number): string {
  return sampleOf(count);
}

/** The same of tales half of whose scenes are of a skill that variants of `tales` have. */
export function skillSample(name: SkillName, count: number): string {
  return sampleOf(count, { scene: skills[name].scene, share: 0.5 });
}

function sampleOf(count: number, skill?: TaleOptions["skill"]): string {
  const tales = taleCorpus({ seed: SEED, split: "held-out", ...(skill && { skill }) });
  const lines = Array.from({ length: count }, () => {
    let line = "";
    while (line.length < LINE) line += `${endOfText}${tales.next().value}`;
    return line;
  });
  return `${lines.join("\n")}\n`;
}

/**
 * Lines of token ids: `<|endoftext|> B B`, B drawn evenly from the vocabulary.
 *
 * @param length tokens of B
 */
export function repeatsSample(encoder: DrawnTokens, count: number, length: number): string {
  const rows = repeatedTokens({ encoder, seed: SEED, count, length });
  return `${rows.map((ids) => ids.join(",")).join("\n")}\n`;
}
