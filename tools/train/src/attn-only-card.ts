import { type Measured, percent } from "./card.ts";
import type { Induction } from "./induction.ts";
import type { Recipe } from "./recipe.ts";
import { totalTokens } from "./recipe.ts";

/** What was measured of `attn-only-2l`, by the run that made it. */
export interface AttnOnlyMeasured extends Measured {
  readonly induction: Induction;
}

/** The model card of `attn-only-2l`, as Markdown. Every number in it is given. */
export function attnOnlyCard(recipe: Recipe, measured: AttnOnlyMeasured): string {
  const { config } = recipe;
  const { induction } = measured;
  const two = (score: number | undefined): string => (score ?? Number.NaN).toFixed(2);
  const heads = induction.heads.map(
    ({ head, previousToken, duplicateToken, induction: score }) =>
      `| ${head} | ${two(previousToken)} | ${two(duplicateToken)} | ${two(score)} |`,
  );
  const later = induction.heads.filter(({ head }) => head.startsWith("L1."));
  const keys = induction.keys.map(
    ({ without, induction: scores }) =>
      `| ${without.join(", ")} | ${scores.map(two).join(" | ")} |`,
  );
  const scores = measured.scores.map(
    ({ name, top1, preferred }) => `| ${name} | ${percent(preferred)} | ${percent(top1)} |`,
  );
  const phases = recipe.phases.map(
    ({ steps, batch, context, repeats = 0 }) =>
      `${steps} steps of ${batch} rows of ${context} tokens, ${repeats} of them repeats`,
  );
  return `# attn-only-2l

Two layers of attention and nothing else (${config.n_heads} heads a layer, d_model ${config.d_model}, d_head ${config.d_head}, learned positions, context ${config.n_ctx}, ${measured.parameters.toLocaleString("en")} parameters, TransformerLens names): the model of Elhage et al. 2021 in which induction heads were found, at the size of a file that ships. It is the model of Resolvent's examples for paths and for the expansion of attention scores.

It has no MLPs, no norms and no biases. So attention patterns are its only gates: with them frozen, its logits are an exact sum over paths through heads, and a score before the softmax is exactly bilinear in what the two positions read. Nothing else stands between an example and the algebra.

It was trained from scratch by this project's own reverse-mode derivatives on its cpu engine (\`tools/train\`), on repeats of random tokens and on the tales of \`tales\`, whose tokenizer it has. MIT licence.

## Induction

Measured by the run that made it, on ${induction.rows} rows \`<|endoftext|> B B\`, B being ${induction.length} tokens drawn evenly from the whole vocabulary: no grammar helps, and no row was trained on.

Loss: ${induction.firstLoss.toFixed(3)} nats a token on the first B, ${induction.secondLoss.toFixed(3)} on the second (from its second token on), of which ${percent(induction.secondTop1)} are the model's first choice.

Mean attention to the token before; from the second B to the same token in the first; and from there to what followed it (Olsson et al. 2022):

| head | previous token | duplicate token | induction |
|---|---|---|---|
${heads.join("\n")}

K-composition, by intervention: the induction scores of layer 1 once what a head of layer 0 writes is taken out of the keys of layer 1, and of nothing else:

| keys without | ${later.map(({ head }) => head).join(" | ")} |
|---|${later.map(() => "---|").join("")}
${keys.join("\n")}

## What it cannot do

It knows words of the tales and what tends to follow them, little more. Its loss on held-out tales is ${measured.heldOutLoss.toFixed(3)} nats a token (${measured.heldOutTokens.toLocaleString("en")} tokens; \`tales\`, which has MLPs and twice the layers, is far below), and on the tasks of \`tales\`, which its card explains, it does this (*preferred*: the right answer is above the wrong one; *top-1*: above every other token):

| task | preferred | top-1 |
|---|---|---|
${scores.join("\n")}

## How it was made

\`npx pnpm --filter @resolvent/train attn-only-2l\`, ${measured.minutes.toFixed(0)} minutes on ${measured.machine}: ${phases.join(", then ")}; ${(totalTokens(recipe) / 1e6).toFixed(1)} million tokens in all; AdamW, learning rate ${recipe.rate} with a cosine to a tenth, seed ${recipe.seed}. Repeats are a stretch of 4 or more random tokens over and over; the other rows are tales. Engines that round in another order give a model that differs in its last digits.

SHA-256 of model.safetensors: \`${measured.sha256}\`
`;
}
