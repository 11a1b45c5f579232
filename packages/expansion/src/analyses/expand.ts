import {
  type Analysis,
  certificateLine,
  defineAnalysis,
  inputLine,
  namedTarget,
  type Prompt,
  percent,
  short,
  type Table,
  type TokenName,
  tokenNotation,
  type Vocabulary,
  warningLines,
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
  tables: (expansion) => [termTable(expansion), ...targetTables(expansion)],
  tableKinds: ["degree-term", "degree-target"],
  answer: expandAnswer,
  views: ({ terms, remainder, target, targetDegrees }) => [
    ...(target === null || targetDegrees === null
      ? []
      : [
          {
            ...({ mark: "bars", table: "degree-target", y: "degree", x: "contribution" } as const),
            ...{ cursor: "k", rest: remainder.from !== "none" },
            title: `${target.readout} by degree`,
            note: `What paths of each degree contribute at the last position; with a constant, ${short(targetDegrees.constant)}, the bars add up to ${short(target.value)}. To the right of zero: for the answer; to the left: against it.`,
          },
        ]),
    {
      ...{ mark: "bars", table: "degree-term", y: "degree", x: "logitShare", cursor: "k" },
      rest: remainder.from !== "none",
      title: "What each degree says: its share of the logits",
      note: "A path of degree k passes through k blocks; the shares of all degrees add up to 100 %. A negative share speaks against what the model says.",
    },
    {
      ...{ mark: "lines", table: "degree-term", x: "degree", scale: "log", cursor: "k" },
      // Without a final norm both are the same line.
      y: [
        { column: "frozenNormKl" },
        ...(terms.every(({ partial }) => partial.frozenNorm.kl === partial.recomputedNorm.kl)
          ? []
          : [{ column: "recomputedNormKl" }]),
      ],
      title: "How far the sum up to a degree is from the model",
      note: "KL divergence in nats, on a scale of powers of ten, from the model’s predictions to those of all degrees up to k together.",
    },
  ],
});

function targetOf<T extends Shaped>(
  { target }: ExpandParameters,
  model: Model<T>,
  vocabulary: Vocabulary,
): { readonly target?: Target } {
  return target === undefined ? {} : { target: namedTarget(model, target, vocabulary) };
}

/** Degrees up to which the sum says the same likeliest token nearly everywhere. */
const NEARLY = 0.9;

function expandAnswer({ model, terms, target, targetDegrees }: DegreeExpansion): string[] {
  const most = targetDegrees?.degrees.toSorted(
    (a, b) => Math.abs(b.contribution) - Math.abs(a.contribution),
  )[0];
  const shares = terms.flatMap(({ degree, logitShare }) =>
    logitShare === null ? [] : [{ degree, logitShare }],
  );
  const [first] = shares.toSorted((a, b) => b.logitShare - a.logitShare);
  const near = terms.find(({ partial }) => partial.frozenNorm.top1 >= NEARLY) ?? terms.at(-1);
  return [
    ...(target === null || most === undefined
      ? []
      : [
          `After this text ${target.readout} is ${short(target.value)}; degree ${most.degree}, paths through ${most.degree} ${most.degree === 1 ? "block" : "blocks"}, contributes most to it: ${short(most.contribution)}.`,
        ]),
    ...(first === undefined
      ? []
      : [
          `Paths through ${first.degree} ${first.degree === 1 ? "block" : "blocks"} say most of what ${model.name} predicts here: degree ${first.degree} has ${percent(first.logitShare)} of the logits.`,
        ]),
    ...(near === undefined
      ? []
      : [
          `All degrees up to ${near.degree} together name the model’s own likeliest token at ${percent(near.partial.frozenNorm.top1)} of the positions.`,
        ]),
  ];
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

function termTable(expansion: DegreeExpansion): Table {
  const { model, input, terms, remainder } = expansion;
  return {
    kind: "degree-term",
    field: "terms",
    title: titleOf(expansion),
    subtitle: inputLine(model, input.tokens),
    columns: [
      { name: "degree", kind: "count" },
      { name: "norm", kind: "number", detail: true },
      { name: "relativeNorm", kind: "number", head: "‖D‖/‖T‖", missing: "–" },
      { name: "logitShare", kind: "bar", head: "share of logits", missing: "–" },
      { name: "frozenNormKl", kind: "divergence", head: "KL so far" },
      { name: "frozenNormTop1", kind: "share", head: "top-1" },
      { name: "frozenNormLoss", kind: "number", detail: true },
      { name: "recomputedNormKl", kind: "divergence", head: "KL, final norm recomputed" },
      { name: "recomputedNormTop1", kind: "share", detail: true },
      { name: "recomputedNormLoss", kind: "number", detail: true },
    ],
    rows: terms.map(({ degree, norm, relativeNorm, logitShare, partial }) => {
      const { frozenNorm: f, recomputedNorm: r } = partial;
      return [
        ...[degree, norm, relativeNorm, logitShare],
        ...[f.kl, f.top1, f.loss, r.kl, r.top1, r.loss],
      ];
    }),
    ...(remainder.from !== "none" && {
      rest: ["rest", null, remainder.relativeNorm, remainder.logitShare ?? null],
    }),
    notes: [...warningLines(expansion.warnings), certificateOf(expansion)],
  };
}

/** What each degree is to the target; none where none was asked for. */
function targetTables({ target, targetDegrees, remainder }: DegreeExpansion): Table[] {
  if (target === null || targetDegrees === null) return [];
  const { readout, value } = target;
  const { constant, degrees, rest } = targetDegrees;
  const left = remainder.from === "none" ? "" : ` + rest ${short(rest)}`;
  const sum = degrees.reduce((all, { contribution }) => all + contribution, 0);
  return [
    {
      kind: "degree-target",
      title: `${readout} by degree, at the last position`,
      columns: [
        { name: "degree", kind: "count" },
        { name: "contribution", kind: "effect" },
        { name: "soFar", kind: "logit", head: "so far" },
        { name: "recomputedTarget", kind: "logit", head: "so far, final norm recomputed" },
        { name: "token", kind: "token", head: "then likeliest" },
        { name: "probability", kind: "share" },
        { name: "likeliest", kind: "text", detail: true },
      ],
      rows: degrees.map(({ degree, contribution, soFar, recomputed }) => {
        const { value: said, top } = recomputed;
        const [first] = top;
        return [
          ...[degree, contribution, soFar, said, first?.text ?? null, first?.probability ?? null],
          top.map(({ text }) => tokenNotation(text)).join(" "),
        ];
      }),
      ...(remainder.from !== "none" && { rest: ["rest", rest, null, null, null, null, null] }),
      notes: [
        `${readout} = ${short(value)}: degrees ${short(sum)}${left} + constant ${short(constant)}, the final norm held at its σ in this run`,
        "so far starts with the constant; the likeliest token is that of the sum so far, with the final norm recomputed",
      ],
    },
  ];
}

/** What kind of expansion it is, in words. */
function titleOf({ freeze, reference, method }: DegreeExpansion): string {
  const how =
    freeze.length === GATES.length
      ? `Path expansion (all gates frozen, by ${method === "sweep" ? "one sweep" : "trees"})`
      : freeze.length === 0
        ? "Truncated tree (nothing frozen)"
        : `Truncated tree (${freeze.join(" and ")} frozen)`;
  return reference === null || reference.kind === "zero"
    ? how
    : `${how}, reference ${reference.kind}`;
}

function certificateOf({ certificate, precision, remainder }: DegreeExpansion): string {
  const sum = remainder.from === "none" ? "Σ D_k" : "Σ D_k + rest";
  return certificateLine(`‖${sum} − T‖/‖T‖`, certificate, { precision, remainder: remainder.from });
}
