import {
  type Analysis,
  corpusOf,
  defineAnalysis,
  pause,
  type Table,
  type TextFile,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  fileParameter,
  parameters,
  textsParameter,
} from "@resolvent/analysis/parameters";
import { InputError } from "@resolvent/tensor";
import type { Architecture } from "@resolvent/transformer";
import { type Sample, sampleSequences } from "../corpus.ts";
import { linearityCost } from "../linearity-cost.ts";
import { measureLinearity } from "../measure.ts";
import type { SitePair } from "../pairs.ts";
import type { LinearityResult, Split } from "../result.ts";
import { linearityTables } from "../tables.ts";
import { linearityAnswer, linearityViews } from "../views.ts";

interface LinearityParameters {
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly split: Split;
  readonly length?: number | undefined;
  readonly maxTokens: number;
  readonly seed: number;
  readonly draws: number;
  readonly maxDegree?: number | undefined;
  readonly lensPasses: number;
  readonly between: readonly string[];
}

/** How far from linear a model is: `measureLinearity` on a corpus as an analysis. */
export const linearity: Analysis<LinearityParameters, LinearityResult> = defineAnalysis<
  LinearityParameters,
  LinearityResult
>({
  name: "linearity",
  summary: "how far from linear each block is, by several measures",
  description:
    "Measures on a corpus how far each block of MODEL is from linear: linearity scores with and without the residual, superposition defect, finite steps against the derivative, the loss with the block replaced by its best affine map, lenses; and, by degree, how far the truncated tree is from the path expansion. Bootstrap confidence intervals are over sequences.",
  params: parameters({
    corpus: fileParameter("corpus, as UTF-8 text"),
    tokensFile: fileParameter("corpus as token ids instead, one list a line, such as 1,403,407"),
    split: choiceParameter(
      "half: fit on every other sequence, score on the rest; none: score on the sequences fitted",
      ["half", "none"],
      { default: "half" },
    ),
    length: countParameter(
      "maximum tokens per sequence; default: 128 of a text, all of a line of ids, if the context allows",
      { optional: true, least: 2 },
    ),
    maxTokens: countParameter("maximum tokens in all, of sequences sampled from the whole corpus", {
      default: 16384,
      least: 2,
    }),
    seed: countParameter("random seed", { default: 0, most: 2 ** 32 - 1 }),
    draws: countParameter("bootstrap resamples for the intervals", { default: 200, most: 10000 }),
    maxDegree: countParameter("highest degree compared; default: all", {
      ...{ optional: true, title: "k" },
    }),
    lensPasses: countParameter("training passes of the tuned lens over the fitted sequences", {
      ...{ default: 4, most: 1000 },
    }),
    between: textsParameter("further pairs of sites to score, such as L0.mlp.read:L2.mlp.after", {
      title: "from:to",
    }),
  }),
  examples: [
    "tales --corpus tales.txt --html linearity.html",
    "path/to/model --tokens-file ids.txt --split none --json",
    "openai-community/gpt2 --corpus wiki.txt --max-tokens 65536 --resume gpt2.state",
  ],
  needs: ["linearAlgebra"],
  resumable: true,
  estimate: ({ model, vocabulary, precision }, params) => {
    const corpus = corpusOf(params, model.architecture, vocabulary);
    return linearityCost(
      { model, precision },
      {
        ...params,
        length: Math.min(corpus.length, params.maxTokens),
        between: sitePairs(params.between),
      },
    );
  },
  run: async (subject, params) => {
    const { engine, model, vocabulary, signal, onProgress, checkpoint } = subject;
    const sample = await draw(params, model.architecture, vocabulary, signal, (done) =>
      onProgress({ done, total: done, of: "sequence" }),
    );
    const { name, length } = corpusOf(params, model.architecture, vocabulary);
    const { split, seed, draws, maxDegree, lensPasses, maxTokens } = params;
    return await measureLinearity(engine, model, sample, {
      ...{ length, maxTokens, split, seed, draws, lensPasses, maxDegree },
      ...{ signal, onProgress, checkpoint },
      linearAlgebra: await subject.linearAlgebra(),
      corpus: name,
      between: sitePairs(params.between),
    });
  },
  tables: (result): readonly Table[] => linearityTables(result),
  tableKinds: ["block", "layer", "between", "degree"],
  answer: linearityAnswer,
  views: linearityViews,
});

/** Sequences between two signs of life while a corpus is read. */
const SIGN_OF_LIFE = 256;

async function draw(
  params: LinearityParameters,
  architecture: Architecture,
  vocabulary: Vocabulary,
  signal: AbortSignal,
  onSequence: (found: number) => void,
): Promise<Sample> {
  const { sequences, length } = corpusOf(params, architecture, vocabulary);
  const { maxTokens, seed } = params;
  return await sampleSequences(sequences(), {
    length,
    maxTokens,
    seed,
    onSequence: async (found) => {
      if (found % SIGN_OF_LIFE !== 0) return;
      onSequence(found);
      await pause(signal);
    },
  });
}

function sitePairs(texts: readonly string[]): SitePair[] {
  return texts.map((text) => {
    const [from = "", to = "", more] = text.split(":");
    if (from !== "" && to !== "" && more === undefined) return { from, to };
    throw new InputError({
      code: "linearity/bad-pair",
      message: `A pair of sites is written from:to, got "${text}".`,
      remedy: "Such as L0.mlp.read:L2.mlp.after.",
      details: { got: text },
    });
  });
}
