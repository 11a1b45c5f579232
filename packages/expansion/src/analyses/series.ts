import {
  type Analysis,
  certificateLine,
  defineAnalysis,
  inputLine,
  type Prompt,
  percent,
  roundingOf,
  short,
  type Table,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import {
  countParameter,
  numberParameter,
  parameters,
  promptParameter,
} from "@resolvent/analysis/parameters";
import { type Gate, gatesInWords } from "../gates.ts";
import { ORDER_LIMIT } from "../series/coefficients.ts";
import { type EpsilonSeries, epsilonSeries } from "../series/epsilon-series.ts";
import { measureSeries, type SeriesCheck } from "../series/measure-series.ts";
import type { RadiusMethod } from "../series/radius.ts";
import { seriesCost } from "../series/series-cost.ts";
import { freezeParameter } from "./freeze-parameter.ts";

interface SeriesParameters {
  readonly prompt: Prompt;
  readonly order: number;
  readonly about: number;
  readonly freeze: readonly Gate[];
}

/** A run as a power series in the size of its blocks: `epsilonSeries` as an analysis. */
export const series: Analysis<SeriesParameters, EpsilonSeries> = defineAnalysis<
  SeriesParameters,
  EpsilonSeries
>({
  name: "series",
  summary: "a run as a power series in ε, which scales its blocks' outputs",
  description:
    "Multiplies the output of every block of MODEL by ε and expands the residual stream in powers of ε (or of ε − ε₀): coefficients, partial sums at ε = 1 (the model) and their errors, several estimates of the radius of convergence, and a verdict at that order: converges, diverges, ends, or not shown to converge. Padé resummations of the same coefficients are listed separately.",
  params: parameters({
    prompt: promptParameter("text to read"),
    order: countParameter("highest power of ε", { default: 6, most: ORDER_LIMIT, title: "k" }),
    about: numberParameter("ε₀, the expansion point: 0 is without blocks, 1 the model", {
      ...{ default: 0, title: "e" },
    }),
    freeze: freezeParameter([]),
  }),
  examples: [
    'tales --prompt "Once upon a time"',
    "path/to/model --tokens 1,403,407 --order 10 --about 0.5 --json",
  ],
  float64: true,
  estimate: ({ model, vocabulary, precision }, { prompt, ...options }) =>
    seriesCost(model, vocabulary.encode(prompt), { ...options, precision }),
  run: async ({ engine, model, vocabulary, signal, inFloat64 }, { prompt, ...options }) => {
    const ids = vocabulary.encode(prompt);
    return await epsilonSeries(engine, model, ids, {
      ...options,
      text: vocabulary.text,
      signal,
      ...(inFloat64 !== undefined && {
        certify: (same) =>
          inFloat64((engine64, model64) => measureSeries(engine64, model64, ids, same)),
      }),
    });
  },
  tables: (result) => [coefficientTable(result)],
  tableKinds: ["epsilon-coefficient"],
  answer: ({ verdict, partial, resummed }) => {
    const [last, again] = [partial.at(-1), resummed.orders.at(-1)];
    const missed = (error: number): string =>
      error < 10 ? percent(error) : `${short(error)} times its size`;
    return [
      VERDICT_WORDS[verdict],
      ...(last?.relativeError == null
        ? []
        : [
            `At order ${last.order} the sum misses the model’s output by ${missed(last.relativeError)}${again?.relativeError == null ? "" : `, resummed by ${missed(again.relativeError)}`}.`,
          ]),
    ];
  },
  views: () => [
    {
      ...{ mark: "bars", table: "epsilon-coefficient", y: "order", x: "relativeNorm" },
      ...{ line: "partialRelativeError", scale: "symlog" },
      title: "The coefficients by order",
      note: "How large the coefficient of each power of ε is, relative to the model’s output. The line says by how much the sum so far misses the model. The scale is logarithmic.",
    },
    {
      ...{ mark: "lines", table: "epsilon-coefficient", x: "order", scale: "log" },
      y: [{ column: "partialRelativeError" }, { column: "resummedRelativeError" }],
      title: "How far the sums are from the model",
      note: "On a scale of powers of ten; falling lines come nearer with each order. Resummed: another sum, assigned to the same coefficients.",
    },
  ],
});

const VERDICT_WORDS: Readonly<Record<EpsilonSeries["verdict"], string>> = {
  converges: "As far as these orders show, the power series converges to the model.",
  diverges: "The power series diverges: the model is beyond what its expansion reaches.",
  ends: "The power series ends: with its gates held, the model is a polynomial in ε.",
  "not-shown": "These orders do not show whether the power series converges to the model.",
};

function coefficientTable(result: EpsilonSeries): Table {
  const { model, input, coefficients, partial, resummed, warnings, precision } = result;
  const rounding = roundingOf(precision, [1]); // of what is relative to T
  const codes = warningCodes(warnings);
  return {
    kind: "epsilon-coefficient",
    title: titleOf(result),
    subtitle: inputLine(model, input.tokens),
    columns: [
      { name: "order", kind: "count" },
      { name: "norm", kind: "number", detail: true },
      { name: "relativeNorm", kind: "number", head: "‖T_k‖/‖T‖", missing: "–" },
      {
        name: "partialRelativeError",
        kind: "number",
        head: "sum so far misses T by",
        missing: "–",
        rounding,
      },
      {
        name: "resummedRelativeError",
        kind: "number",
        head: "resummed, by",
        missing: "–",
        rounding,
      },
      { name: "verdict", kind: "text", detail: true },
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: coefficients.map(({ order, norm, relativeNorm }) => [
      ...[order, norm, relativeNorm],
      ...[partial[order]?.relativeError ?? null, resummed.orders[order]?.relativeError ?? null],
      ...[result.verdict, codes],
    ]),
    rest: ["rest", null, result.remainder.relativeNorm, null, null, result.verdict, codes],
    notes: [...warningLines(warnings), ...notesOf(result)],
  };
}

function titleOf({ about, freeze }: EpsilonSeries): string {
  const what =
    about === 0 ? "ε-series about 0" : `ε-series about ε₀ = ${about}, in powers of ε − ε₀`;
  if (freeze.length === 0) return `${what}, at ε = 1`;
  return `${what}, at ε = 1 (${gatesInWords(freeze)} frozen)`;
}

function notesOf(series: EpsilonSeries): string[] {
  const { check, about, nearestKink, precision, certificate, radius, reason, verdict } = series;
  const missed = ({ delta, relativeError }: SeriesCheck): string =>
    `${relativeError === null ? "nothing, where it is 0," : relativeError.toExponential(1)} at δ = ${delta.toExponential(1)}`;
  const float64 =
    check.float64 === null || precision === "f64"
      ? ""
      : `, ${missed(check.float64)} (recomputed in float64)`;
  const kink = nearestKink === null ? "" : `; the nearest ReLU turns at ${short(nearestKink)}`;
  const estimates = radius.estimates.map(
    ({ by, radius: own }) =>
      `${METHOD_WORDS[by]} ${own === null ? "no finite radius" : short(own)}`,
  );
  const radii =
    estimates.length === 0
      ? "no estimate of a radius of convergence"
      : `radius of convergence, estimated by ${estimates.join(", ")}`;
  return [
    ...(verdict === "ends" ? [] : [`${radii}; ε = 1 is ${short(Math.abs(1 - about))} away${kink}`]),
    // The warnings say the others.
    ...(verdict === "converges" || verdict === "ends" ? [`${verdict}: ${reason}`] : []),
    "resummed: vector Padé approximants from the same coefficients (Wynn's ε-algorithm), not the series",
    certificateLine("‖Σ δᵏ T_k + rest − T‖/‖T‖", certificate, {
      precision,
      remainder: "difference",
      computed: "sums in f64",
    }),
    `check: the series misses T(ε₀ + δ) by ${missed(check)} (${precision})${float64}`,
  ];
}

const METHOD_WORDS: Readonly<Record<RadiusMethod, string>> = {
  roots: "roots",
  "last-ratio": "the last ratio",
  "domb-sykes": "ratios continued to high orders (Domb–Sykes)",
  pole: "the nearest pole of a recurrence",
};
