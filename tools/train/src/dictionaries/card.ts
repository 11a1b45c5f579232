import type { Evaluation, TogetherEvaluation } from "@resolvent/dictionary";
import type { Shaped } from "@resolvent/tensor";
import { percent } from "../card.ts";
import type { MadeDictionary } from "./making.ts";
import type { DictionariesRecipe } from "./recipe.ts";

/** What was measured of one dictionary as it is stored. */
interface MeasuredDictionary
  extends Pick<
    Evaluation,
    | "site"
    | "tokens"
    | "l0"
    | "l0WithoutFirst"
    | "dead"
    | "explainedVariance"
    | "loss"
    | "recovered"
    | "recoveredFromMean"
    | "kl"
  > {
  readonly name: string;
  readonly architecture: string;
  readonly features: number;
  /** Of sae_weights.safetensors. */
  readonly sha256: string;
  /** The same of a few texts. */
  readonly sample: Pick<Evaluation, "tokens" | "l0" | "loss" | "explainedVariance">;
}

/** What was measured of the dictionaries of a recipe, by the run that made them. */
export interface MeasuredDictionaries {
  /** Of the model's weights that they belong to. */
  readonly model: string;
  readonly dictionaries: readonly MeasuredDictionary[];
  /** All transcoders in their places at once. */
  readonly together: TogetherEvaluation;
  /** Processor time of the run, of all threads. */
  readonly minutes: number;
  readonly machine: string;
}

/** What of an evaluation a card has: no list of numbers for each feature, no formulas. */
export function measuredOf(
  { name, dictionary, evaluation, sample }: Omit<MadeDictionary<Shaped>, "files">,
  sha256: string,
): MeasuredDictionary {
  const { architecture, features } = dictionary;
  const { site, tokens, l0, l0WithoutFirst, dead, explainedVariance } = evaluation;
  const { loss, recovered, recoveredFromMean, kl } = evaluation;
  return {
    ...{ name, architecture, site, features, tokens },
    ...{ l0, l0WithoutFirst, dead, explainedVariance },
    ...{ loss, recovered, recoveredFromMean, kl, sha256 },
    sample: {
      ...{ tokens: sample.tokens, l0: sample.l0, loss: sample.loss },
      explainedVariance: sample.explainedVariance,
    },
  };
}

/** The card of the dictionaries of `tales`, as Markdown. Every number in it is given. */
export function talesDictionariesCard(
  recipe: DictionariesRecipe,
  measured: MeasuredDictionaries,
): string {
  const { dictionaries, together } = measured;
  const rows = dictionaries.map(
    ({ name, site, architecture, features, dead, l0, explainedVariance, loss, ...shares }) =>
      `| \`${name}\` | \`${site}\` | ${architecture} | ${features} | ${dead} | ${l0.toFixed(1)} | ${explainedVariance.toFixed(3)} | ${loss.spliced.toFixed(3)} | ${percent(shares.recovered)} | ${percent(shares.recoveredFromMean)} | ${shares.kl.toFixed(3)} |`,
  );
  const trained = recipe.dictionaries.map(
    ({ name, settings: { loss, features, steps, batch, rate, seed } }) =>
      `| \`${name}\` | ${loss.kind}${"k" in loss ? `, k ${loss.k}` : ""} | ${features} | ${steps} × ${batch} | ${rate} | ${seed} |`,
  );
  const [first] = dictionaries;
  const tokens = (first?.tokens ?? 0).toLocaleString("en");
  return `# Dictionaries of tales

A transcoder for every MLP of [\`tales\`](../tales/README.md), from what it reads (its norm's γ and β in) to what it writes, and a sparse autoencoder of the stream in the middle of the model, so that circuits are read in features with nothing to download. Folders as SAELens 6 reads them, numbers in 16 bits, MIT licence.

## What they keep of the model

Measured on what is stored, on ${tokens} tokens of tales that nothing was trained on. The model's own loss there is ${(first?.loss.model ?? Number.NaN).toFixed(3)} nats a token.

| dictionary | site | architecture | features | dead | L0 | explained variance | loss | recovered, of zero | of the mean | KL |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}

*L0*: active features a token. *Loss*: mean next-token loss with its output in place of what it stands for. *Recovered*: the share of what is lost with 0 there, or with the mean over the tokens, that it gives back. *Dead*: active on none of the tokens.

All ${together.sites.length} transcoders at once, each reading what the others have left: loss ${together.loss.spliced.toFixed(3)}, where 0 in all of their places gives ${together.loss.zeroed.toFixed(3)}; ${percent(together.recovered)} recovered, KL ${together.kl.toFixed(3)}.

## How they were made

\`npx pnpm --filter @resolvent/train tales-dictionaries\`, ${measured.minutes.toFixed(0)} minutes of a processor (${measured.machine}), by \`trainDictionary\` of \`@resolvent/dictionary/train\`, in float32, on ${recipe.rows.toLocaleString("en")} texts of ${recipe.length} tokens from the generator of the model's own tales (seed ${recipe.seed}), which come again in another order when all have been read.

| dictionary | loss | features | steps × rows | learning rate | seed |
|---|---|---|---|---|---|
${trained.join("\n")}

BatchTopK keeps the strongest activations of a batch, k a row on average; for single rows that becomes one threshold, so that they are stored as JumpReLU. Dead features are trained on what the others leave (AuxK). Engines that round in another order give dictionaries that differ in their last digits.

SHA-256 of the model's weights: \`${measured.model}\`; of each sae_weights.safetensors:

${dictionaries.map(({ name, sha256 }) => `- \`${name}\`: \`${sha256}\``).join("\n")}
`;
}
