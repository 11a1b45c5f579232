import {
  type Analysis,
  type Cell,
  type Column,
  computedResult,
  defineAnalysis,
  headFacts,
  type Outline,
  pause,
  promptText,
  type Spread,
  type Subject,
  type Table,
  type TokenName,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  countParameter,
  flagParameter,
  jsonLinesParameter,
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
import {
  headScores,
  outlineScores,
  outlineTextScores,
  type TextScores,
  textScores,
} from "../head-scores.ts";
import {
  type ProcessingOptions,
  processingFor,
  processingRecord,
  processingWords,
  RAW,
} from "../processing.ts";
import { type Repeated, repeatedSequences } from "../repeated.ts";
import type { HeadRow, HeadsResult, Partner } from "./heads-result.ts";
import { headTexts, intervalsOf, RUN_SCORES, textsFor } from "./heads-texts.ts";
import { headsAnswer, headsViews } from "./heads-views.ts";

export interface HeadsParameters {
  readonly weightsOnly: boolean;
  readonly raw: boolean;
  readonly repeatLength?: number | undefined;
  readonly sequences: number;
  readonly seed: number;
  readonly bos?: TokenName | undefined;
  readonly prompts?: string | undefined;
  readonly each: boolean;
}

/** `resolvent heads`: one table of every head and its scores. */
export const headsAnalysis: Analysis<HeadsParameters, HeadsResult> = defineAnalysis({
  name: "heads",
  summary: "every attention head and its scores",
  description:
    "Shows copying scores of each head's OV circuit, its strongest composition with earlier heads, and its attention on repeated random tokens, or on texts of your own.",
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
    prompts: jsonLinesParameter(
      'texts in place of repeated random tokens: plain text with one a line, JSON lines of {"prompt": …}, or CSV with that header; scores become means over them, with 95 % intervals',
    ),
    each: flagParameter("with --prompts, also show the scores on each text"),
  }),
  examples: [
    ...["tales", "tales --weights-only", "tales --repeat-length 40 --seed 3 --json"],
    "tales --prompts texts.txt --each --json",
  ],
  needs: ["linearAlgebra"],
  estimate,
  run,
  tables,
  tableKinds: ["head", "head-text"],
  answer: headsAnswer,
  views: headsViews,
});

async function run<T extends Shaped>(
  subject: Subject<T>,
  parameters: HeadsParameters,
): Promise<HeadsResult> {
  const { engine, model, signal, onProgress } = subject;
  const texts = textsFor(parameters, subject.vocabulary);
  const repeated =
    texts === undefined ? repeatedFor(model, parameters, subject.vocabulary) : undefined;
  const processing = processingFor(model, optionsOf(parameters));
  const { layers, heads } = model.architecture;
  const runs = texts?.length ?? (repeated === undefined ? 0 : 1);
  const before = layers + Math.max(0, layers - 1);
  const total = before + runs * layers;
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
        onProgress: ({ done }) => progress(before + done),
      }));
    const onTexts: TextScores[] = [];
    for (const { ids } of texts ?? []) {
      const start = before + onTexts.length * layers;
      const onProgress = ({ done }: { readonly done: number }): void => progress(start + done);
      onTexts.push(await textScores(engine, model, ids, { signal, onProgress }));
    }
    const partner = (kind: CompositionKind, head: HeadPlace): Partner | null =>
      strongest(composed, kind, head);
    const rows = Array.from({ length: layers * heads }, (_, i): HeadRow => {
      const head = { layer: Math.floor(i / heads), head: i % heads };
      const at = (table: readonly (readonly (number | null)[])[] | undefined): number | null =>
        table?.[head.layer]?.[head.head] ?? null;
      const intervals = texts === undefined ? null : intervalsOf(onTexts, head);
      const score = (name: (typeof RUN_SCORES)[number]): number | null =>
        intervals === null ? at(scores?.[name]) : (intervals[name]?.mean ?? null);
      return {
        ...headFacts(head),
        ovCopying: at(copied.residual),
        ovCopyingEmbedding: at(copied.embedding),
        ovCopyingEmbeddingCentred: at(copied.embeddingCentred),
        previousToken: score("previousToken"),
        duplicateToken: score("duplicateToken"),
        induction: score("induction"),
        copying: score("copying"),
        intervals,
        queryFrom: partner("query", head),
        keyFrom: partner("key", head),
        valueFrom: partner("value", head),
      };
    });
    return {
      ...computedResult("heads", engine, model, { weightProcessing: processingRecord(processing) }),
      repeated: repeated ?? null,
      texts:
        texts === undefined
          ? null
          : headTexts(texts, onTexts, { each: parameters.each, text: subject.vocabulary.text }),
      heads: rows,
    };
  });
}

function estimate({ model, precision, vocabulary }: Outline, parameters: HeadsParameters): Cost {
  const processing = processingFor(model, optionsOf(parameters));
  const texts = textsFor(parameters, vocabulary);
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
    if (texts === undefined) {
      const repeated = repeatedFor(model, parameters, vocabulary);
      if (repeated !== undefined) outlineScores(ops, model, repeated);
    }
    for (const { ids } of texts ?? []) outlineTextScores(ops, model, ids);
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
  const { repeated, texts, heads } = result;
  const score = (name: string, head: string) => ({
    ...{ name, head, kind: "number" as const },
    missing: "–",
  });
  const ran = repeated === null && texts === null ? [] : RUN_COLUMNS;
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
        ...ran.flatMap(([name, head]) => [
          score(name, head),
          ...(texts === null ? [] : intervalColumns(name)),
        ]),
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
        ...ran.flatMap(([name]) => [
          row[name],
          ...(texts === null ? [] : intervalCells(row.intervals?.[name] ?? null)),
        ]),
        ...partners.flatMap((kind): Cell[] => {
          const from = row[`${kind}From`];
          return from === null ? [null, null] : [from.name, from.score];
        }),
      ]),
      notes: notesOf(result),
    },
    ...textTables(result),
  ];
}

function intervalColumns(name: string): Column[] {
  return [
    { name: `${name}Half`, head: "±", kind: "number", missing: "–", view: true },
    { name: `${name}Low`, kind: "number", detail: true },
    { name: `${name}High`, kind: "number", detail: true },
    { name: `${name}Texts`, kind: "count", detail: true },
  ];
}

function intervalCells(spread: Spread | null): Cell[] {
  if (spread === null) return [null, null, null, 0];
  const { mean, low, high, count } = spread;
  return [high === null ? null : high - mean, low, high, count];
}

/** Scores on each text, where they were asked for. */
function textTables({ texts, heads }: HeadsResult): Table[] {
  const { each = null, prompts = [] } = texts ?? {};
  if (each === null) return [];
  return [
    {
      kind: "head-text",
      title: "On each text",
      columns: [
        { name: "line", kind: "count" },
        { name: "text", kind: "text" },
        { name: "name", head: "head", kind: "text", refers: "node" },
        ...RUN_COLUMNS.map(([name, head]) => ({
          ...{ name, head, kind: "number" as const },
          missing: "–",
        })),
      ],
      rows: prompts.flatMap(({ line, tokens }, text) =>
        heads.map((head, i): Cell[] => [
          ...[line, promptText(tokens), head.name],
          ...RUN_COLUMNS.map(([name]) => each[text]?.[name][i] ?? null),
        ]),
      ),
    },
  ];
}

const HEADS = ["previous", "duplicate", "induction", "copying"] as const;
const RUN_COLUMNS = RUN_SCORES.map((name, i) => [name, HEADS[i] ?? name] as const);

function letter(kind: CompositionKind): string {
  return kind.slice(0, 1).toUpperCase();
}

function subtitleOf({ model, weightProcessing, repeated, texts }: HeadsResult): string {
  const weights = `${model.name}, ${processingWords(weightProcessing)}`;
  if (texts !== null) {
    const [first] = texts.prompts;
    const more = texts.prompts.length - 1;
    return `${weights}; means over ${more + 1} ${more === 0 ? "text" : "texts"}${first === undefined ? "" : `: ${promptText(first.tokens)}${more > 0 ? `, and ${more} more` : ""}`}`;
  }
  if (repeated === null) return weights;
  const { sequences, bos, length, seed } = repeated;
  const start = bos === null ? "" : `id:${bos}, then `;
  return `${weights}; ${sequences.length} sequences of ${start}${length} random tokens twice, seed ${seed}`;
}

function notesOf({ repeated, texts, heads }: HeadsResult): string[] {
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
  if (texts !== null) {
    const { length } = texts.prompts;
    const partly = heads.some(({ intervals }) =>
      RUN_COLUMNS.some(([name]) => (intervals?.[name]?.count ?? 0) < length),
    );
    notes.push(
      "previous: mean attention to the token before. duplicate, induction: of tokens that the text had before, mean attention to all earlier places of the same token, and to those after them. copying: how far values raise the logit of the attended token above the text's others, its first position left out.",
      `± is half the 95 % interval of the mean over texts (Student's t)${length < 2 ? ", which one text does not have" : ""}`,
      ...(partly
        ? [
            `not every text has a place for every score: see previousTokenTexts and its like, of ${length}`,
          ]
        : []),
    );
  }
  if (heads.some((row) => row.queryFrom !== null)) {
    notes.push("Q, K, V: composition with the earlier head from which it is strongest.");
  }
  return notes;
}
