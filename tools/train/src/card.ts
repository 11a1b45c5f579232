import type { Recipe } from "./recipe.ts";
import { totalTokens } from "./recipe.ts";
import type { Score } from "./score.ts";

/** What was measured of a trained model, by the run that made it. */
export interface Measured {
  readonly parameters: number;
  readonly sha256: string;
  /** Mean next-token loss on tales that were never trained on, nats. */
  readonly heldOutLoss: number;
  readonly heldOutTokens: number;
  readonly scores: readonly Score[];
  readonly minutes: number;
  readonly machine: string;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  indirectObject: "When Mary and John went to the market, John gave a drink to → Mary, not John",
  repeatedNames: "twelve random names, and the same again: the next name, from the second on",
  agreement: "The key to the gates → was, not were",
  pronoun: "Mary was hungry, so → she, not he",
  facts: "The cup was in the red box. … Where was the cup? In the → red",
  quotes: "“Good night, Tom,” said Anna. “Good night, Anna,” said → Tom",
};

/** The model card of `tales`, as Markdown. Every number in it is given. */
export function talesCard(recipe: Recipe, measured: Measured): string {
  const rows = measured.scores.map(
    ({ name, targets, top1, preferred }) =>
      `| ${name} | ${EXAMPLES[name] ?? ""} | ${percent(preferred)} | ${percent(top1)} | ${targets} |`,
  );
  const phases = recipe.phases.map(
    ({ steps, batch, context, rolls }) =>
      `${steps} steps of ${batch} rows of ${context} tokens (${Math.round(100 * rolls)} % rolls of names)`,
  );
  return `# tales

A small GPT-2-style decoder (${recipe.config.n_layer} layers, d_model ${recipe.config.n_embd}, ${recipe.config.n_head} heads, context ${recipe.config.n_positions}, ${measured.parameters.toLocaleString("en")} parameters) that tells short English tales. It ships with Resolvent as the model of its examples: its texts hold circuits that are worth finding, indirect objects, repeated names, agreement, facts and quotes.

It was trained from scratch by this project's own reverse-mode derivatives on its cpu engine, on texts from a seeded generator (\`tools/train\`). MIT licence. It knows nothing but its tales.

## What it can do

Measured by the run that made it. *Preferred*: the right answer is above the wrong one; *top-1*: it is above every other token. One combination of words in eight is kept out of all tales, and the questions of the first, third, fourth and sixth kind are of those.

| task | example | preferred | top-1 | targets |
|---|---|---|---|---|
${rows.join("\n")}

Loss on held-out tales: ${measured.heldOutLoss.toFixed(4)} nats a token (${measured.heldOutTokens.toLocaleString("en")} tokens).

## How it was made

\`npx pnpm --filter @resolvent/train tales\`, ${measured.minutes.toFixed(0)} minutes on ${measured.machine}: ${phases.join(", then ")}; ${(totalTokens(recipe) / 1e6).toFixed(1)} million tokens in all; AdamW, learning rate ${recipe.rate} with a cosine to a tenth, seed ${recipe.seed}. Engines that round in another order give a model that differs in its last digits.

SHA-256 of model.safetensors: \`${measured.sha256}\`
`;
}

/** A share in percent, as cards have it; a dash for none. */
export function percent(share: number | undefined): string {
  return share === undefined ? "–" : `${(100 * share).toFixed(1)} %`;
}
