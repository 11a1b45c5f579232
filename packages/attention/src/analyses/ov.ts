import {
  type Analysis,
  computedResult,
  defineAnalysis,
  headFacts,
  normOf,
  type Outline,
  type Prompt,
  pause,
  ratio,
  type Subject,
  type TokenName,
  tokenFacts,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  countParameter,
  flagParameter,
  headParameter,
  parameters,
  promptParameter,
  tokensParameter,
} from "@resolvent/analysis/parameters";
import { type Cost, InputError, priced, type Shaped, type Tensor, using } from "@resolvent/tensor";
import { parseHead } from "@resolvent/transformer";
import { type Circuit, ovCircuit } from "../circuit.ts";
import { copyingScore, cyclicFormsOf, type Eigenvalue, eigenvaluesOf } from "../copying.ts";
import {
  circuitSvd,
  type TokenEnds,
  type TokenScore,
  tokensRead,
  tokensWritten,
} from "../directions.ts";
import { processingFor, processingRecord, RAW } from "../processing.ts";
import { readOnce, rowsOf } from "../reading.ts";
import { ovTable } from "../tables.ts";
import type { OvResult, ScoredEnds, ScoredToken } from "./ov-result.ts";
import { OV_TABLE_KINDS, ovTables } from "./ov-tables.ts";
import { ovAnswer, ovViews } from "./ov-views.ts";

/** Tokens of a table are written side by side: more of them are no table to read. */
const MOST_TOKENS = 512;

export interface OvParameters {
  readonly head: string;
  readonly directions: number;
  readonly top: number;
  readonly words: readonly TokenName[];
  readonly tokensOf?: Prompt | undefined;
  readonly raw: boolean;
}

/** `resolvent ov`: what one head moves. */
export const ovAnalysis: Analysis<OvParameters, OvResult> = defineAnalysis({
  name: "ov",
  summary: "what one head moves: its OV circuit",
  description:
    "Shows copying scores, eigenvalues, and singular directions (with their tokens) of a head's OV circuit, and a token-to-token table.",
  params: parameters({
    head: headParameter("head, as L1.H5, L1H5 or 1.5", { title: "name" }),
    directions: countParameter("number of singular directions described by tokens", {
      ...{ default: 5, title: "n" },
    }),
    top: countParameter("number of tokens at each end of a direction", {
      ...{ default: 8, least: 1, title: "n" },
    }),
    words: tokensParameter(
      "tokens (text or id:N) of a table: what attending to one does to the logits of the others",
    ),
    tokensOf: promptParameter("text whose tokens are added to that table", { optional: true }),
    raw: flagParameter("use the weights as stored, without processing"),
  }),
  examples: ["tales --head L1.H2", 'tales --head L1.H2 --tokens-of " Mary John Anna" --top 5'],
  needs: ["linearAlgebra"],
  estimate,
  run,
  tables: ovTables,
  tableKinds: OV_TABLE_KINDS,
  answer: ovAnswer,
  views: ovViews,
});

function estimate({ model, precision, vocabulary }: Outline, parameters: OvParameters): Cost {
  const head = parseHead(parameters.head);
  const processing = processingFor(model, parameters.raw ? RAW : {});
  const tokens = chosenTokens(parameters, vocabulary);
  return priced(precision, (ops) => {
    const circuit = ovCircuit(ops, model, head, parameters.raw ? { processing: RAW } : {});
    const { d_model } = model.architecture;
    const rank = Math.min(parameters.directions, model.architecture.d_head);
    const directions = ops.given({ d_model, rank });
    ops.scope(() => void cyclicFormsOf(ops, model, circuit, processing));
    ops.scope(() => void ops.matmul(model.embed.W_E, directions, ["d_model"]));
    ops.scope(() => void ops.matmul(directions, model.final.W_U, ["d_model"]));
    if (tokens.length > 0) {
      ops.scope(() => void ovTable(ops, model, head, tokens, tableOptions(parameters)));
    }
  });
}

async function run<T extends Shaped>(
  { engine, model, vocabulary, linearAlgebra, signal, onProgress }: Subject<T>,
  parameters: OvParameters,
): Promise<OvResult> {
  const head = parseHead(parameters.head);
  const options = parameters.raw ? RAW : {};
  const processing = processingFor(model, options);
  const tokens = chosenTokens(parameters, vocabulary);
  const step = async (done: number): Promise<void> => {
    onProgress({ done, total: 3, of: "step" });
    await pause(signal);
  };
  await pause(signal);
  const linear = await linearAlgebra();
  const made = (): Circuit<T> => ovCircuit(engine, model, head, { processing: options });
  return using(engine, made, async (circuit) => {
    const forms = engine.scope(() => cyclicFormsOf(engine, model, circuit, processing));
    const [residual, embedding, embeddingCentred] = (await Promise.all(
      [forms.residual, forms.embedding, forms.embeddingCentred].map(async (form) => {
        const read = await engine.read(form);
        return { eigenvalues: eigenvaluesOf(linear, read), size: normOf(read.data) };
      }),
    ).finally(() => engine.free(forms))) as [SizedEigenvalues, SizedEigenvalues, SizedEigenvalues]; // three of three
    await step(1);
    const svd = await circuitSvd(engine, linear, circuit);
    const singularValues = Array.from(svd.values.data);
    const count = Math.min(parameters.directions, singularValues.length);
    const ends = { top: parameters.top };
    const inputs = await tokensRead(engine, model, firstOf(svd.left, count), ends);
    const outputs = await tokensWritten(engine, model, firstOf(svd.right, count), processing, ends);
    await step(2);
    const total = singularValues.reduce((sum, value) => sum + value * value, 0);
    const named = (side: TokenEnds | undefined): ScoredEnds => ({
      positive: namedTokens(side?.positive ?? [], vocabulary),
      negative: namedTokens(side?.negative ?? [], vocabulary),
    });
    const table =
      tokens.length === 0
        ? null
        : {
            tokens: tokenFacts(tokens, vocabulary),
            logits: rowsOf(
              await readOnce(
                engine,
                () => ovTable(engine, model, head, tokens, tableOptions(parameters)),
                ["source", "target"],
              ),
            ),
          };
    await step(3);
    return {
      ...computedResult("ov", engine, model, { weightProcessing: processingRecord(processing) }),
      head: headFacts(head),
      copying: {
        residual: copyingScore(residual.eigenvalues, residual.size, engine.precision),
        embedding: copyingScore(embedding.eigenvalues, embedding.size, engine.precision),
        // What centring leaves of the same.
        embeddingCentred: copyingScore(
          embeddingCentred.eigenvalues,
          embedding.size,
          engine.precision,
        ),
      },
      eigenvalues: {
        residual: residual.eigenvalues,
        embedding: embedding.eigenvalues,
        embeddingCentred: embeddingCentred.eigenvalues,
      },
      singularValues,
      directions: singularValues.slice(0, count).map((value, i) => ({
        value,
        share: ratio(value * value, total),
        input: named(inputs[i]),
        output: named(outputs[i]),
      })),
      table,
    };
  });
}

/** The eigenvalues of a cyclic form, and how large it is. */
interface SizedEigenvalues {
  readonly eigenvalues: Eigenvalue[];
  readonly size: number;
}

function tableOptions({ raw }: OvParameters): { processing: object } {
  return { processing: { ...(raw ? RAW : {}), centreVocabulary: true } };
}

function chosenTokens({ words, tokensOf }: OvParameters, vocabulary: Vocabulary): number[] {
  const named = words.map((word) => vocabulary.tokenId(word));
  const tokens = [...named, ...(tokensOf === undefined ? [] : vocabulary.encode(tokensOf))];
  const chosen = [...new Set(tokens)];
  if (chosen.length > MOST_TOKENS) {
    throw new InputError({
      code: "attention/too-many-tokens",
      message: `A table takes at most ${MOST_TOKENS} tokens, got ${chosen.length}.`,
      remedy: "Choose fewer.",
      details: { most: MOST_TOKENS, got: chosen.length },
    });
  }
  return chosen;
}

function namedTokens(scores: readonly TokenScore[], vocabulary: Vocabulary): ScoredToken[] {
  return scores.map(({ id, score }) => ({ id, text: vocabulary.text(id), score }));
}

/** The first columns of `d_model, rank`. */
function firstOf({ shape, data }: Tensor, count: number): Tensor {
  const rank = shape.rank ?? 0;
  return {
    shape: { ...shape, rank: count },
    data: data.filter((_, i) => i % rank < count),
  };
}
