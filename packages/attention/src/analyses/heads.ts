import {
  type Analysis,
  type Cell,
  computedResult,
  defineAnalysis,
  headFacts,
  type Outline,
  pause,
  type Subject,
  type Table,
  type TokenName,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  countParameter,
  flagParameter,
  parameters,
  tokenParameter,
} from "@resolvent/analysis/parameters";
import { type Cost, priced, type Shaped, using } from "@resolvent/tensor";
import type { HeadPlace, Model } from "@resolvent/transformer";
import {
  COMPOSITION_KINDS,
  type Composition,
  type CompositionKind,
  composingFactors,
  composition,
  compositionFrom,
  compositionScore,
  eachFactor,
  factorGrams,
} from "../composition.ts";
import { copying, embeddingForms, residualForms } from "../copying.ts";
import { type AttentionFactors, attentionFactors } from "../head.ts";
import { headScores, outlineScores } from "../head-scores.ts";
import {
  type ProcessingOptions,
  processingFor,
  processingRecord,
  processingWords,
  RAW,
} from "../processing.ts";
import { type Repeated, repeatedSequences } from "../repeated.ts";
import type { HeadRow, HeadsResult, Partner } from "./heads-result.ts";
import { headsAnswer, headsViews } from "./heads-views.ts";

export interface HeadsParameters {
  readonly weightsOnly: boolean;
  readonly raw: boolean;
  readonly repeatLength?: number | undefined;
  readonly sequences: number;
  readonly seed: number;
  readonly bos?: TokenName | undefined;
}

/** `resolvent heads`: one table of every head and its scores. */
export const headsAnalysis: Analysis<HeadsParameters, HeadsResult> = defineAnalysis({
  name: "heads",
  summary: "every attention head and its scores",
  description:
    "Shows copying scores of each head's OV circuit, its strongest composition with earlier heads, and its attention on repeated random tokens.",
  params: parameters({
    weightsOnly: flagParameter("skip the scores that need a forward pass"),
    raw: flagParameter("use the weights as stored, without processing"),
    repeatLength: countParameter(
      "number of random tokens repeated; default: 25, or as many as fit the context",
      { optional: true, least: 1, title: "n" },
    ),
    sequences: countParameter("number of such sequences", { default: 4, least: 1, title: "n" }),
    seed: countParameter("random seed", { default: 0, title: "n" }),
    bos: tokenParameter("token before the first copy (text or id:N); default: the model's own", {
      optional: true,
    }),
  }),
  examples: ["tales", "tales --weights-only", "tales --repeat-length 40 --seed 3 --json"],
  needs: ["linearAlgebra"],
  estimate,
  run,
  tables,
  tableKinds: ["head"],
  answer: headsAnswer,
  views: headsViews,
});

async function run<T extends Shaped>(
  subject: Subject<T>,
  parameters: HeadsParameters,
): Promise<HeadsResult> {
  const { engine, model, signal, onProgress } = subject;
  const repeated = repeatedFor(model, parameters, subject.vocabulary);
  const processing = processingFor(model, optionsOf(parameters));
  const { layers, heads } = model.architecture;
  const total = layers + Math.max(0, layers - 1) + (repeated === undefined ? 0 : layers);
  const progress = (done: number): void => onProgress({ done, total, of: "layer" });
  await pause(signal);
  const linear = await subject.linearAlgebra();
  const factors = (): AttentionFactors<T>[] => attentionFactors(engine, model, processing);
  return using(engine, factors, async (blocks) => {
    const copied = await copying(engine, linear, blocks, { model, processing });
    progress(layers);
    await pause(signal);
    const composed = await composition(engine, linear, blocks, {
      signal,
      onProgress: ({ done }) => progress(layers + done),
    });
    const scores =
      repeated &&
      (await headScores(engine, model, repeated, {
        signal,
        onProgress: ({ done }) => progress(total - layers + done),
      }));
    const partner = (kind: CompositionKind, head: HeadPlace): Partner | null =>
      strongest(composed, kind, head);
    const rows = Array.from({ length: layers * heads }, (_, i): HeadRow => {
      const head = { layer: Math.floor(i / heads), head: i % heads };
      const at = (table: readonly (readonly (number | null)[])[] | undefined): number | null =>
        table?.[head.layer]?.[head.head] ?? null;
      return {
        ...headFacts(head),
        ovCopying: at(copied.residual),
        ovCopyingEmbedding: at(copied.embedding),
        ovCopyingEmbeddingCentred: at(copied.embeddingCentred),
        previousToken: at(scores?.previousToken),
        duplicateToken: at(scores?.duplicateToken),
        induction: at(scores?.induction),
        copying: at(scores?.copying),
        queryFrom: partner("query", head),
        keyFrom: partner("key", head),
        valueFrom: partner("value", head),
      };
    });
    return {
      ...computedResult("heads", engine, model, { weightProcessing: processingRecord(processing) }),
      repeated: repeated ?? null,
      heads: rows,
    };
  });
}

function estimate({ model, precision, vocabulary }: Outline, parameters: HeadsParameters): Cost {
  const processing = processingFor(model, optionsOf(parameters));
  return priced(precision, (ops) => {
    const blocks = attentionFactors(ops, model, processing);
    ops.scope(() => [residualForms(ops, blocks), embeddingForms(ops, model, blocks, processing)]);
    ops.scope(() => {
      const grams = factorGrams(ops, blocks);
      const roots = eachFactor((factor) => ops.rename(grams[factor], { other: "rank" }));
      const factors = composingFactors(ops, blocks, roots);
      for (let from = 0; from + 1 < blocks.length; from++) {
        ops.scope(() => void compositionFrom(ops, factors, from));
      }
    });
    const repeated = repeatedFor(model, parameters, vocabulary);
    if (repeated !== undefined) outlineScores(ops, model, repeated);
  });
}

function optionsOf({ raw }: HeadsParameters): ProcessingOptions {
  return raw ? RAW : {};
}

/** What is spelled so, and reads so, stands for no text. */
const MARK = /^<[^<>\s]+>$/;

/** The sequences to run; undefined where none are asked for, or the context is too short for any. */
function repeatedFor<T extends Shaped>(
  model: Model<T>,
  { weightsOnly, repeatLength, sequences, seed, bos: name }: HeadsParameters,
  vocabulary: Vocabulary,
): Repeated | undefined {
  if (weightsOnly) return undefined;
  const bos = name === undefined ? undefined : vocabulary.tokenId(name);
  const { eos, ...own } = model.architecture;
  const special = new Set([own.bos, bos, ...eos]);
  return repeatedSequences(model, {
    count: sequences,
    seed,
    ...(repeatLength !== undefined && { length: repeatLength }),
    ...(bos !== undefined && { bos }),
    // Marks such as <|endoftext|>, <unk> and <0x0A> are not what heads copy.
    allowed: (id) => {
      const isMark = [vocabulary.entry(id), vocabulary.text(id)].every((x) => MARK.test(x));
      return !special.has(id) && !isMark;
    },
  });
}

function strongest(composed: Composition, kind: CompositionKind, to: HeadPlace): Partner | null {
  let best: Partner | null = null;
  for (let layer = 0; layer < to.layer; layer++) {
    for (let head = 0; head < composed.heads; head++) {
      const score = compositionScore(composed, kind, { layer, head }, to);
      // 0 is that of a head without weights, which composes with nothing. What is not a number is seen.
      if (score === 0 || score <= (best?.score ?? 0)) continue;
      best = { ...headFacts({ layer, head }), score };
    }
  }
  return best;
}

function tables(result: HeadsResult): Table[] {
  const { repeated, heads } = result;
  const score = (name: string, head: string) => ({
    ...{ name, head, kind: "number" as const },
    missing: "–",
  });
  const ran = repeated === null ? [] : RUN_COLUMNS;
  const partners = heads.some((row) => row.queryFrom !== null) ? COMPOSITION_KINDS : [];
  return [
    {
      kind: "head",
      field: "heads",
      subtitle: subtitleOf(result),
      columns: [
        { name: "layer", kind: "count", detail: true },
        { name: "head", kind: "count", detail: true },
        { name: "name", head: "head", kind: "text", refers: "node" },
        score("ovCopying", "OV"),
        score("ovCopyingEmbedding", "E·OV·U"),
        score("ovCopyingEmbeddingCentred", "centred"),
        ...ran.map(([name, head]) => score(name, head)),
        ...partners.flatMap((kind) => [
          { name: `${kind}From`, head: `${letter(kind)} from`, kind: "text" as const, minor: true },
          // None in the first layer, which goes without saying.
          {
            name: `${kind}Composition`,
            head: letter(kind),
            kind: "number" as const,
            minor: true,
          },
        ]),
      ],
      rows: heads.map((row) => [
        row.layer,
        row.head,
        row.name,
        row.ovCopying,
        row.ovCopyingEmbedding,
        row.ovCopyingEmbeddingCentred,
        ...ran.map(([name]) => row[name]),
        ...partners.flatMap((kind): Cell[] => {
          const from = row[`${kind}From`];
          return from === null ? [null, null] : [from.name, from.score];
        }),
      ]),
      notes: notesOf(result),
    },
  ];
}

const RUN_COLUMNS = [
  ["previousToken", "previous"],
  ["duplicateToken", "duplicate"],
  ["induction", "induction"],
  ["copying", "copying"],
] as const;

function letter(kind: CompositionKind): string {
  return kind.slice(0, 1).toUpperCase();
}

function subtitleOf({ model, weightProcessing, repeated }: HeadsResult): string {
  const weights = `${model.name}, ${processingWords(weightProcessing)}`;
  if (repeated === null) return weights;
  const { sequences, bos, length, seed } = repeated;
  const start = bos === null ? "" : `id:${bos}, then `;
  return `${weights}; ${sequences.length} sequences of ${start}${length} random tokens twice, seed ${seed}`;
}

function notesOf({ repeated, heads }: HeadsResult): string[] {
  const withoutScore = heads.some(({ ovCopying, ovCopyingEmbedding, ovCopyingEmbeddingCentred }) =>
    [ovCopying, ovCopyingEmbedding, ovCopyingEmbeddingCentred].includes(null),
  );
  const notes = [
    "OV, E·OV·U, centred: copying score Σ Re λ / Σ |λ| of W_V W_O, of W_E W_V W_O W_U, and of that with W_U centred over the vocabulary.",
  ];
  if (withoutScore) {
    notes.push("–: a matrix that is next to zero, or of which centring leaves next to nothing.");
  }
  if (repeated !== null) {
    notes.push(
      "previous, duplicate, induction: mean attention to the token before, the same token, the token after the same. copying: how far values raise the logit of the attended token above others.",
    );
  }
  if (heads.some((row) => row.queryFrom !== null)) {
    notes.push("Q, K, V: composition with the earlier head from which it is strongest.");
  }
  return notes;
}
