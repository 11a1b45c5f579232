import { type Cell, roundingOf, type Table, tokenNotation } from "@resolvent/analysis";
import { headName } from "@resolvent/transformer";
import type { Eigenvalue } from "../copying.ts";
import { processingWords } from "../processing.ts";
import type { OvResult, ScoredEnds, ScoredToken } from "./ov-result.ts";

/** The kinds of what `ovTables` gives. */
export const OV_TABLE_KINDS: readonly string[] = [
  ...["direction", "token-matrix", "direction-token", "singular-value", "eigenvalue"],
  "token-effect",
];

/** A head's OV circuit as tables: people read directions and a matrix, data formats have each token as a row. */
export function ovTables(result: OvResult): Table[] {
  return [
    directionTable(result),
    ...tokenMatrix(result),
    directionTokenTable(result),
    singularValueTable(result),
    eigenvalueTable(result),
    ...tokenEffectTable(result),
  ];
}

/** Why a score is not given. */
const NO_SCORE =
  "–: the matrix, or what centring leaves of it, is next to zero, and has no score or share.";

/** Eigenvalues that are named below the directions. */
const EIGENVALUES_NAMED = 6;

function directionTable(result: OvResult): Table {
  const { copying, eigenvalues, directions, weightProcessing } = result;
  const number = (value: number | null): string => (value === null ? "–" : value.toFixed(3));
  const texts = (tokens: readonly ScoredToken[]): string =>
    tokens.map(({ text }) => tokenNotation(text)).join(" ");
  const { residual } = eigenvalues;
  // Not between the two of a conjugate pair.
  const cut = residual[EIGENVALUES_NAMED - 1];
  const next = residual[EIGENVALUES_NAMED];
  const split = cut !== undefined && next !== undefined && cut.im !== 0 && next.im === -cut.im;
  const named = residual.slice(0, EIGENVALUES_NAMED + (split ? 1 : 0)).map(complex);
  return {
    kind: "direction",
    view: true,
    title: `${headName(result.head)}: what it moves`,
    subtitle: `${result.model.name}, ${processingWords(weightProcessing)}`,
    columns: [
      { name: "direction", kind: "count" },
      { name: "value", head: "singular value", kind: "number", minor: true },
      { name: "share", kind: "share", missing: "–", minor: true },
      { name: "sign", kind: "text" },
      { name: "reads", head: "attending to", kind: "text" },
      { name: "writes", head: "raises", kind: "text" },
    ],
    rows: directions.flatMap(({ value, share, input, output }, i) => [
      [i, value, share, "+", texts(input.positive), texts(output.positive)],
      [i, value, share, "−", texts(input.negative), texts(output.negative)],
    ]),
    notes: [
      `Copying, Σ Re λ / Σ |λ|: ${number(copying.residual)} in the stream, ${number(copying.embedding)} from token to token, ${number(copying.embeddingCentred)} with the unembedding centred over the vocabulary.`,
      `Largest eigenvalues in the stream: ${named.join(", ")}.`,
      ...(Object.values(copying).includes(null) || directions.some(({ share }) => share === null)
        ? [NO_SCORE]
        : []),
    ],
  };
}

function complex({ re, im }: Eigenvalue): string {
  return im === 0
    ? re.toPrecision(3)
    : `${re.toPrecision(3)}${im < 0 ? "-" : "+"}${Math.abs(im).toPrecision(3)}i`;
}

function tokenMatrix({ table, precision }: OvResult): Table[] {
  if (table === null) return [];
  const rounding = roundingOf(precision, table.logits.flat());
  return [
    {
      kind: "token-matrix",
      view: true,
      matrix: true,
      title: "What attending to a row's token does to the logits of the columns' tokens",
      columns: [
        { name: "token", head: "attending to", kind: "token" },
        ...table.tokens.map(({ text }) => ({
          name: tokenNotation(text),
          kind: "number" as const,
        })),
      ],
      rows: table.tokens.map(({ text }, i) => [text, ...(table.logits[i] ?? [])]),
      rounding,
      notes: ["Relative to the mean over the vocabulary, before the final norm's denominator."],
    },
  ];
}

/** Tokens at the ends of the directions. */
function directionTokenTable({ directions }: OvResult): Table {
  const ends = (
    direction: number,
    side: "input" | "output",
    { positive, negative }: ScoredEnds,
  ): Cell[][] =>
    (
      [
        ["+", positive],
        ["−", negative],
      ] as const
    ).flatMap(([sign, tokens]) =>
      tokens.map(({ id, text, score }, rank) => [direction, side, sign, rank, id, text, score]),
    );
  return {
    kind: "direction-token",
    data: true,
    columns: [
      { name: "direction", kind: "count" },
      { name: "side", kind: "text" },
      { name: "sign", kind: "text" },
      { name: "rank", kind: "count" },
      { name: "id", kind: "count" },
      { name: "text", kind: "token" },
      { name: "score", kind: "effect" },
    ],
    rows: directions.flatMap(({ input, output }, i) => [
      ...ends(i, "input", input),
      ...ends(i, "output", output),
    ]),
  };
}

function singularValueTable({ singularValues }: OvResult): Table {
  return {
    kind: "singular-value",
    data: true,
    columns: [
      { name: "direction", kind: "count" },
      { name: "value", kind: "number" },
    ],
    rows: singularValues.map((value, i) => [i, value]),
  };
}

function eigenvalueTable({ eigenvalues }: OvResult): Table {
  return {
    kind: "eigenvalue",
    data: true,
    columns: [
      { name: "of", kind: "text" },
      { name: "index", kind: "count" },
      { name: "re", kind: "number" },
      { name: "im", kind: "number" },
    ],
    rows: Object.entries(eigenvalues).flatMap(([of, values]: [string, readonly Eigenvalue[]]) =>
      values.map(({ re, im }, i) => [of, i, re, im]),
    ),
  };
}

/** The matrix of tokens, an entry a row. */
function tokenEffectTable({ table }: OvResult): Table[] {
  if (table === null) return [];
  return [
    {
      kind: "token-effect",
      data: true,
      columns: [
        { name: "sourceId", kind: "count" },
        { name: "source", kind: "token" },
        { name: "targetId", kind: "count" },
        { name: "target", kind: "token" },
        { name: "effect", kind: "effect" },
      ],
      rows: table.tokens.flatMap((source, i) =>
        table.tokens.map((target, j) => [
          ...[source.id, source.text, target.id, target.text],
          table.logits[i]?.[j] ?? null,
        ]),
      ),
    },
  ];
}
