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
  { reference, referencePrompt, direction, level }: PatchParameters,
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
  return patchSetting({ kind, level, reference: chosen, direction });
}

/** The target as people read it: `logit " Mary" − " John"`; of several pairs, just that. */
export function targetWords(pairs: readonly { readonly target: PatchedPair["target"] }[]): string {
  const [first] = pairs;
  if (first === undefined || pairs.length > 1) return "target";
  return first.target.readout;
}
