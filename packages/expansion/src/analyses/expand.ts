import {
  type Analysis,
  defineAnalysis,
  namedTarget,
  type Prompt,
  type TokenName,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  parameters,
  promptParameter,
  promptsParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import { InputError, type Shaped } from "@resolvent/tensor";
import type { Model, Target } from "@resolvent/transformer";
import { balanceError } from "../balance.ts";
import { type DegreeExpansion, expandByDegree } from "../expand.ts";
import { expandCost } from "../expand-cost.ts";
import { GATES, type Gate } from "../gates.ts";
import type { Reference } from "../reference.ts";
import type { TermsOptions } from "../terms.ts";
import { expandTables } from "./expand-tables.ts";
import { expandAnswer, expandViews } from "./expand-views.ts";
import { freezeParameter } from "./freeze-parameter.ts";

interface ExpandParameters {
  readonly prompt: Prompt;
  readonly freeze: readonly Gate[];
  readonly method?: "tree" | "sweep" | undefined;
  readonly reference: Reference["kind"];
  readonly referencePrompt: readonly Prompt[];
  readonly maxDegree?: number | undefined;
  readonly target?: readonly TokenName[] | undefined;
}

/** A run as a sum over path degrees: `expandByDegree` as an analysis. */
export const expand: Analysis<ExpandParameters, DegreeExpansion> = defineAnalysis<
  ExpandParameters,
  DegreeExpansion
>({
  name: "expand",
  summary: "a run as a sum over path degrees",
  description:
    "Writes a run of MODEL as a sum of terms by path degree (how many blocks a path passes through), and checks that they add up.",
  params: parameters({
    prompt: promptParameter("text to read"),
    freeze: freezeParameter(GATES),
    method: choiceParameter(
      "how terms are computed; default: sweep if all gates are frozen",
      ["tree", "sweep"],
      { optional: true },
    ),
    reference: choiceParameter("what a cut branch contributes", ["zero", "mean", "run"], {
      ...{ default: "zero", title: "kind" },
    }),
    referencePrompt: promptsParameter(
      "prompts of the reference mean (the prompt itself if none) or run",
    ),
    maxDegree: countParameter("highest degree computed; default: all", {
      ...{ optional: true, title: "k" },
    }),
    target: targetParameter(
      "tokens (text or id:N) whose logit difference at the last position, or one for its logit, is also told by degree",
    ),
  }),
  examples: [
    'tales --prompt "When Mary and John went to the market, John gave a drink to"',
    "path/to/model --tokens 1,403,407 --freeze none --max-degree 4 --json",
  ],
  float64: true,
  estimate: ({ model, vocabulary, precision }, params) =>
    expandCost(model, vocabulary.encode(params.prompt), {
      ...termsOf(params, vocabulary),
      ...targetOf(params, model, vocabulary),
      precision,
    }),
  run: async ({ engine, model, vocabulary, signal, onProgress, inFloat64 }, params) => {
    const ids = vocabulary.encode(params.prompt);
    return await expandByDegree(engine, model, ids, {
      ...termsOf(params, vocabulary),
      ...targetOf(params, model, vocabulary),
      text: vocabulary.text,
      signal,
      onProgress: (progress) => onProgress({ ...progress, of: "degree" }),
      ...(inFloat64 !== undefined && {
        certify: (same) =>
          inFloat64((engine64, model64) => balanceError(engine64, model64, ids, same)),
      }),
    });
  },
  tables: expandTables,
  tableKinds: ["degree-term", "degree-target"],
  answer: expandAnswer,
  views: expandViews,
});

function targetOf<T extends Shaped>(
  { target }: ExpandParameters,
  model: Model<T>,
  vocabulary: Vocabulary,
): { readonly target?: Target } {
  return target === undefined ? {} : { target: namedTarget(model, target, vocabulary) };
}

function termsOf(params: ExpandParameters, vocabulary: Vocabulary): TermsOptions {
  const { freeze, method, maxDegree } = params;
  return { freeze, method, maxDegree, reference: referenceOf(params, vocabulary) };
}

function referenceOf(
  { prompt, reference, referencePrompt }: ExpandParameters,
  { encode }: Vocabulary,
): Reference {
  const prompts = referencePrompt.map(encode);
  switch (reference) {
    case "zero":
      if (prompts.length > 0) {
        throw new InputError({
          code: "expansion/reference-prompts",
          message: `The reference zero takes no prompt, got ${prompts.length}.`,
          remedy: "Choose the reference mean or run.",
        });
      }
      return { kind: "zero" };
    case "mean":
      return { kind: "mean", prompts: prompts.length > 0 ? prompts : [encode(prompt)] };
    case "run": {
      const [tokens] = prompts;
      if (tokens === undefined || prompts.length > 1) {
        throw new InputError({
          code: "expansion/reference-prompts",
          message: `The reference run takes one prompt, got ${prompts.length}.`,
          remedy: "Give one reference prompt.",
        });
      }
      return { kind: "run", tokens };
    }
  }
}
