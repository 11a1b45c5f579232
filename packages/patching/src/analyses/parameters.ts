import { namedTarget, type Prompt, type TokenName, type Vocabulary } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  type Field,
  jsonLinesParameter,
  promptParameter,
  promptsParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import { InputError, type Shaped } from "@resolvent/tensor";
import type { LevelName, Model } from "@resolvent/transformer";
import { MEASURES, type Measure } from "../measure.ts";
import { checkPairs, type PromptPair, parsePairs } from "../pairs.ts";
import type { PatchedPair } from "../patch.ts";
import {
  type PatchMethod,
  type PatchReference,
  type PatchSetting,
  patchSetting,
} from "../setting.ts";

/** What `patch` and `circuit` both ask. */
export interface PatchParameters {
  readonly prompt?: Prompt | undefined;
  readonly corrupt?: Prompt | undefined;
  readonly pairs?: string | undefined;
  readonly target?: readonly TokenName[] | undefined;
  readonly level: LevelName | "stream";
  readonly measure: Measure;
  readonly method: PatchMethod;
  readonly steps: number;
  readonly reference: PatchReference["kind"];
  readonly referencePrompt: readonly Prompt[];
  readonly direction: PatchSetting["direction"];
}

/** They as fields; `method` is the default. */
export const patchParameters = (
  method: PatchMethod,
): { readonly [P in keyof PatchParameters]-?: Field<PatchParameters[P], unknown> } => ({
  prompt: promptParameter("clean prompt", { optional: true }),
  corrupt: promptParameter("corrupt prompt, of as many tokens", { optional: true }),
  pairs: jsonLinesParameter(
    'instead of one prompt, pairs as JSON lines, {"clean": …, "corrupt": …, "target": [a, b]}; texts are strings, target tokens strings or numeric ids; or CSV with these columns, or clean and corrupt with a tab between; effects are averaged',
  ),
  target: targetParameter(
    "tokens whose logit difference at the last position is meant, texts or id:N; one for its logit alone; default: the likeliest of the clean and of the corrupt run, or the two likeliest where they agree",
  ),
  level: choiceParameter(
    "blocks; heads with separate query, key and value inputs, and MLPs; heads and neurons",
    ["block", "head", "neuron"],
    { default: "block" },
  ),
  measure: choiceParameter(
    "what is measured at the last position: the target's logit difference; the probability of its first token, or the loss on it; or the KL divergence from the clean run's distribution, which has no target",
    MEASURES,
    { default: "logit-difference" },
  ),
  method: choiceParameter(
    "exact intervention, gradients, or gradients integrated over inputs or activations",
    ["exact", "eap", "eap-ig", "eap-ig-activations"],
    { default: method },
  ),
  steps: countParameter("steps of integrated gradients", {
    ...{ default: 5, least: 1, most: 1000, title: "m" },
  }),
  reference: choiceParameter(
    "what is patched in: zero, a mean, or the corrupt run's values",
    ["zero", "mean", "run"],
    { default: "run", title: "kind" },
  ),
  referencePrompt: promptsParameter(
    "prompts of the reference mean; default: the corrupt prompts, else the clean ones",
  ),
  direction: choiceParameter(
    "noise: corrupt values into the clean run; denoise: clean values into the corrupt run",
    ["noise", "denoise"],
    { default: "noise" },
  ),
});

/** The pairs that parameters name. Throws `patching/no-prompt`, `patching/two-inputs` and what pairs throw. */
export function pairsOf<T extends Shaped>(
  params: PatchParameters,
  model: Model<T>,
  vocabulary: Vocabulary,
): PromptPair[] {
  if (params.measure === "kl" && params.target !== undefined) {
    throw new InputError({
      code: "patching/no-target",
      message: "KL compares whole distributions: it has no target, and one is given.",
      remedy: "Leave the target out, or measure the logit difference, the probability or the loss.",
    });
  }
  const pairs = namedPairs(params, model, vocabulary);
  checkPairs(pairs, params.reference === "run", vocabulary.text);
  return pairs;
}

function namedPairs<T extends Shaped>(
  { prompt, corrupt, pairs, target }: PatchParameters,
  model: Model<T>,
  vocabulary: Vocabulary,
): PromptPair[] {
  const of = (names: readonly TokenName[] | undefined) =>
    names === undefined ? {} : { target: namedTarget(model, names, vocabulary) };
  if (pairs === undefined) {
    if (prompt === undefined) {
      throw new InputError({
        code: "patching/no-prompt",
        message: "There is no prompt.",
        remedy: "Give prompt and corrupt, or pairs.",
      });
    }
    const clean = vocabulary.encode(prompt);
    const other = corrupt === undefined ? {} : { corrupt: vocabulary.encode(corrupt) };
    return [{ clean, ...other, ...of(target) }];
  }
  if (prompt !== undefined || corrupt !== undefined) {
    throw new InputError({
      code: "patching/two-inputs",
      message: "Both pairs and a prompt are given.",
      remedy: "Give one of them.",
    });
  }
  return parsePairs(pairs).map((line) => ({
    clean: vocabulary.encode(line.clean),
    ...(line.corrupt !== undefined && { corrupt: vocabulary.encode(line.corrupt) }),
    ...of(line.target ?? target),
  }));
}

/** The setting that parameters name, for the interventions of a kind. */
export function settingOf(
  { reference, referencePrompt, direction, level, measure }: PatchParameters,
  kind: PatchSetting["kind"],
  pairs: readonly PromptPair[],
  { encode }: Vocabulary,
): PatchSetting {
  if (referencePrompt.length > 0 && reference !== "mean") {
    throw new InputError({
      code: "patching/reference-prompts",
      message: `The reference ${reference} takes no prompts of its own, got ${referencePrompt.length}.`,
      remedy: "Choose the reference mean; the reference run takes the corrupt prompt.",
    });
  }
  const given = referencePrompt.map((prompt) => encode(prompt));
  const prompts = given.length > 0 ? given : pairs.map(({ clean, corrupt }) => corrupt ?? clean);
  const chosen = reference === "mean" ? { kind: reference, prompts } : { kind: reference };
  return patchSetting({ kind, level, reference: chosen, direction, measure });
}

/** What is measured, in a word. */
const MEASURED: Readonly<Record<Measure, string>> = {
  "logit-difference": "target",
  probability: "probability",
  loss: "loss",
  kl: "KL divergence from the clean run",
};

/** What is measured, as people read it, of all pairs: `target`, `loss`. */
export function measureWords({ measure }: Pick<PatchSetting, "measure">): string {
  return MEASURED[measure];
}

/** The same with its tokens, `logit " Mary" − " John"` or `loss on " Mary"`; of several pairs, without. */
export function targetWords({
  pairs,
  setting,
}: {
  readonly pairs: readonly Pick<PatchedPair, "target">[];
  readonly setting: Pick<PatchSetting, "measure">;
}): string {
  const [first] = pairs;
  return first === undefined || pairs.length > 1 ? measureWords(setting) : first.target.readout;
}
