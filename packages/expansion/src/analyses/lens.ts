import {
  type Analysis,
  defineAnalysis,
  fileBytes,
  inputLine,
  namedTarget,
  type Prompt,
  short,
  type Table,
  type TextFile,
  type TokenName,
  tokenNotation,
  tokenPlaces,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  fileParameter,
  parameters,
  promptParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import { type Priced, priced, type Shaped } from "@resolvent/tensor";
import type { Model, Target } from "@resolvent/transformer";
import { memorySource } from "@resolvent/weights";
import { layerEnds, type NamedLens } from "../lens/jacobian-lens.ts";
import {
  type LogitLens,
  lensProducts,
  lensStreams,
  logitLens,
  readStreams,
} from "../lens/logit-lens.ts";

/** Bytes of a lens at most: what an archive without zip64 can have. */
const MAX_LENS_BYTES = 2 ** 32;

interface LensParameters {
  readonly prompt: Prompt;
  readonly target?: readonly TokenName[] | undefined;
  readonly jacobian?: TextFile | undefined;
}

/** A target along the layers and positions of a run: `logitLens` as an analysis. */
export const lens: Analysis<LensParameters, LogitLens> = defineAnalysis<LensParameters, LogitLens>({
  name: "lens",
  summary: "the logit lens: what the stream says after every block, at every position",
  description:
    "Reads out the residual stream of MODEL after every block, at every position, through the final norm and the unembedding: the logit difference of a target, and the likeliest next token. With --jacobian the stream behind each layer goes through the mean Jacobian from there to the end first.",
  params: parameters({
    prompt: promptParameter("text to read"),
    target: targetParameter(),
    jacobian: fileParameter(
      "a Jacobian lens to read through, a .pt that jlens or the command jacobian-lens has saved",
    ),
  }),
  examples: [
    'tales --prompt "When Mary and John went to the market, John gave a drink to" --target " Mary"," John"',
    "path/to/model --tokens 1,403,407 --json",
    'tales --prompt "Once upon a time" --jacobian lens.pt',
  ],
  estimate: ({ model, vocabulary, precision }, params) =>
    priced(precision, (ops) => {
      const { target = { a: 0, b: null } } = targetOf(params, model, vocabulary);
      const streams = lensStreams(ops, model, vocabulary.encode(params.prompt));
      const { d_model } = model.architecture;
      const J = (): Priced => ops.fill({ target: d_model, d_model }, 0);
      // Which layers the file has is not known yet: all, at most.
      const lens =
        params.jacobian && new Map(layerEnds(model.architecture).map((end) => [end, J()]));
      for (const { stream } of readStreams(ops, streams, lens)) {
        ops.scope(() => lensProducts(ops, model, stream, target));
      }
    }),
  run: async ({ engine, model, vocabulary, signal, onProgress }, params) => {
    const through = params.jacobian && (await lensOf(params.jacobian, signal));
    return await logitLens(engine, model, vocabulary.encode(params.prompt), {
      ...targetOf(params, model, vocabulary),
      ...{ text: vocabulary.text, signal, through },
      onProgress: (progress) => onProgress({ ...progress, of: "block" }),
    });
  },
  tables: (result) => [matrixOf("target", result), matrixOf("token", result), cellTable(result)],
  tableKinds: ["lens-target", "lens-token", "lens-cell"],
  answer: lensAnswer,
  views: ({ input, points }) => [
    {
      ...{ mark: "grid", table: "lens-cell", x: "position", y: "after", value: "target" },
      axes: {
        x: tokenPlaces(input.tokens),
        y: points.map(({ after }) => ({ key: after })).reverse(),
      },
      title: "What the stream says of the target, block by block",
      note: "Tokens from left to right, blocks from below to above; orange is for the target, blue against it.",
    },
    {
      ...{ mark: "grid", table: "lens-cell", x: "position", y: "after" },
      ...{ value: "probability", text: "likeliest" },
      axes: {
        x: tokenPlaces(input.tokens),
        y: points.map(({ after }) => ({ key: after })).reverse(),
      },
      title: "The likeliest next token at every point",
      note: "What would come next if the stream were read out there; the stronger the colour of a cell, the more probable its token.",
    },
  ],
});

/** The lens in a file. */
async function lensOf(file: TextFile, signal: AbortSignal): Promise<NamedLens> {
  const bytes = await fileBytes(file, MAX_LENS_BYTES);
  const { readJacobianLens } = await import("../lens/jacobian-file.ts"); // for those only who have one
  const lens = await readJacobianLens(memorySource(bytes, file.name), { signal });
  return { ...lens, name: file.name };
}

/** From which point on the model's own answer is the likeliest at the last position. */
function lensAnswer({ points, target }: LogitLens): string[] {
  const last = points.map(({ top, values }) => ({
    id: top.at(-1)?.[0]?.id,
    text: top.at(-1)?.[0]?.text ?? "",
    value: values.at(-1) ?? 0,
  }));
  const end = last.at(-1);
  if (end === undefined) return [];
  const other = last.findLastIndex(({ id }) => id !== end.id);
  const from = points[other + 1]?.after ?? "";
  return [
    `At the last position the stream names ${tokenNotation(end.text)}, the model’s own answer, from ${from} on.`,
    `There ${target.readout} goes from ${short(last[0]?.value ?? 0)} at the start to ${short(end.value)} at the end.`,
  ];
}

function targetOf<T extends Shaped>(
  { target }: LensParameters,
  model: Model<T>,
  vocabulary: Vocabulary,
): { readonly target?: Target } {
  return target === undefined ? {} : { target: namedTarget(model, target, vocabulary) };
}

/** Rows are points of the stream, columns positions. */
function matrixOf(
  what: "target" | "token",
  { points, target, model, input, through }: LogitLens,
): Table {
  const { tokens } = input;
  const kind = what === "target" ? "logit" : "token";
  return {
    kind: `lens-${what}`,
    view: true,
    matrix: true,
    title:
      what === "target"
        ? `${through === undefined ? "Logit lens" : "Jacobian lens"}: ${target.readout} after every ${through === undefined ? "block" : "layer"}, at every position`
        : "The likeliest next token",
    ...(what === "target" && { subtitle: inputLine(model, tokens) }),
    columns: [
      { name: "after", kind: "text" },
      ...tokens.map(({ text }, pos) => ({
        ...({ name: String(pos), kind } as const),
        head: `${tokenNotation(text)}@${pos}`,
      })),
    ],
    rows: points.map(({ after, values, top }) => [
      after,
      ...(what === "target" ? values : top.map(([first]) => first?.text ?? null)),
    ]),
    notes:
      what === "target"
        ? [
            "the final norm is recomputed at every point; the last row is the model itself",
            ...throughLine(through),
          ]
        : [],
  };
}

function throughLine(through: LogitLens["through"]): string[] {
  if (through === undefined) return [];
  const { name, prompts } = through;
  return [
    `streams are carried to the end by ${name}, mean Jacobians over ${prompts} ${prompts === 1 ? "prompt" : "prompts"}`,
  ];
}

function cellTable({ points, input }: LogitLens): Table {
  return {
    kind: "lens-cell",
    replaces: "points",
    data: true,
    columns: [
      { name: "after", kind: "text" },
      { name: "position", kind: "count" },
      { name: "token", kind: "token" },
      { name: "target", kind: "logit" },
      { name: "likeliest", kind: "token" },
      { name: "probability", kind: "share" },
    ],
    rows: points.flatMap(({ after, values, top }) =>
      input.tokens.map(({ text }, pos) => {
        const [first] = top[pos] ?? [];
        return [
          ...[after, pos, text, values[pos] ?? null],
          ...[first?.text ?? null, first?.probability ?? null],
        ];
      }),
    ),
  };
}
