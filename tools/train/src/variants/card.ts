import { percent } from "../card.ts";
import { totalSteps, totalTokens } from "../recipe.ts";
import type { Corpus, MeasuredModel } from "./measuring.ts";
import { type MeasuredPair, TASK_WEIGHT } from "./pairs.ts";
import type { VariantsRecipe } from "./recipe.ts";

/** What was measured of the variants of a recipe, by the run that made them. */
export interface MeasuredVariants {
  /** `tales`, then its variants. */
  readonly models: readonly (MeasuredModel & {
    readonly name: string;
    /** Of its model.safetensors, unpacked. */
    readonly sha256: string;
    /** The losses on the first few texts. */
    readonly sample: Readonly<Record<Corpus, number>>;
  })[];
  readonly pairs: readonly MeasuredPair[];
  /** The SHA-256 of the permuted copy's model.safetensors once it is aligned with `tales`. */
  readonly aligned: string;
}

/** The card of the variants of `tales`, as Markdown. Every number in it is given. */
export function talesVariantsCard(recipe: VariantsRecipe, measured: MeasuredVariants): string {
  const { each, fineTunes, otherSeed, measured: trial } = recipe;
  const { models, pairs, aligned } = measured;
  const cells = ({ loss, scores, ofTales }: MeasuredModel): string =>
    [
      ...[loss.tales, loss.colours, loss.recoloured, loss.rows].map((nats) => nats.toFixed(3)),
      ...[scores.colours, scores.recoloured, scores.rows].map(
        ({ preferred, top1 }) => `${percent(preferred)} (${percent(top1)})`,
      ),
      percent(ofTales),
    ].join(" | ");
  const merges = pairs.flatMap(({ first, second, mean, tasks }) => [
    `| (${first} + ${second}) / 2 | ${cells(mean)} |`,
    ...(tasks ? [`| tasks of ${first} and ${second} | ${cells(tasks)} |`] : []),
  ]);
  const head = `loss: tales | colours | recoloured | rows | score: colours | recoloured | rows | of tales |
|---|---|---|---|---|---|---|---|---|`;
  const tales = models.find(({ name }) => name === "tales")?.sha256;
  const tokens = trial.rows * (trial.length - 1);
  const steps = fineTunes.map(({ name, seed, steps: n }) => `\`${name}\` ${n} (seed ${seed})`);
  return `# Variants of tales

Models of the shape of [\`tales\`](../tales/README.md), to compare and to merge, with nothing to download: a pair that merges well, one that interferes, one that does not merge at all, and one that does once it is aligned. MIT licence. All open by name, \`tales-rows\`, and have the config and the tokenizer of \`tales\`.

| model | what it is |
|---|---|
| \`tales-colours\` | \`tales\`, trained further on what colour each animal has: “Every fox is → red” |
| \`tales-recoloured\` | the same with another colour for each: “Every fox is → yellow” |
| \`tales-rows\` | \`tales\`, trained further on the ends of a row of names: “The children stood in a row: Tom Anna Ben. The last was → Ben” |
${otherSeed ? "| `tales-other-seed` | trained on such tales from another start, for a small part of the time: it knows the words, and little of the tales |\n" : ""}| \`tales-permuted\` | \`tales\` with heads, neurons and the basis of its residual stream in a random order, made when it is opened: the same function |

## What they can do

Loss in nats a token, on ${tokens.toLocaleString("en")} tokens of held-out texts of each kind: tales, and tales half of whose scenes are of one of the skills. Score: the share of ${trial.questions} questions whose answer is above the wrong one (the other colour, the other end of the row), in parentheses above every other token; form and words of the questions were kept out of all texts. *Of tales*: the mean of the six scores of its card. Of colours few combinations of sentence and animal were kept out, and \`tales\` leans to the first colour in them; there the number in parentheses tells more. Measured on what is stored.

| model | ${head}
${models.map((model) => `| ${model.name} | ${cells(model)} |`).join("\n")}

## What becomes of them in merges

| merge | ${head}
${merges.join("\n")}

The barrier is how far the loss rises above the line between both ends, on the way from one to the other, at 11 points.

| pair | barrier on tales | on texts of all four kinds |
|---|---|---|
${pairs.map(({ first, second, barrier }) => `| ${first}, ${second} | ${barrier.tales.toFixed(3)} | ${barrier.all.toFixed(3)} |`).join("\n")}

Two models that contradict each other have no barrier: each is sure of what the other calls wrong, and the mean of them is less sure. What they lose is in their scores.

\`tales-permuted\`, aligned with \`tales\` by \`matchWeights\` of \`@resolvent/merge/align\`, is ${aligned === tales ? "the file of `tales`, byte for byte" : "not the file of `tales`"}.

The same merges are \`resolvent merge CONFIG FOLDER\` with

\`\`\`yaml
merge_method: linear
parameters: { weight: 0.5 }
models: [{ model: tales-colours }, { model: tales-rows }]
\`\`\`

and, for *tasks of*, \`merge_method: task_arithmetic\` with \`base_model: tales\` and \`weight: ${TASK_WEIGHT}\`.

## How they were made

\`npx pnpm --filter @resolvent/train tales-variants --out FOLDER\`. Fine-tunes: all parameters, AdamW, steps of ${each.batch} rows of ${each.context} tokens, ${steps.join(", ")}, learning rate ${each.rate} with a cosine to a tenth; half of the scenes are the skill's, the others those of all tales.${otherSeed ? ` The other start: seed ${otherSeed.seed}, ${totalSteps(otherSeed).toLocaleString("en")} steps, ${(totalTokens(otherSeed) / 1e6).toFixed(1)} million tokens.` : ""} With OpenBLAS, in one thread; another BLAS rounds otherwise, and gives models that differ in their last digits.

What is stored is what a fine-tune differs by from \`tales\`, or all of the other model: of each matrix 8 bits an entry and a scale for each row, vectors in 16 bits (\`@resolvent/weights/packed\`). In 16 bits they would take twice as much.

SHA-256 of each model.safetensors, as it is unpacked:

${models.map(({ name, sha256 }) => `- \`${name}\`: \`${sha256}\``).join("\n")}
`;
}
