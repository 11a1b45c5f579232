import { type Analysis, corpusOf, defineAnalysis, type Table } from "@resolvent/analysis";
import { countParameter, parameters, textsParameter } from "@resolvent/analysis/parameters";
import { InputError } from "@resolvent/tensor";
import { linearityCost } from "../linearity-cost.ts";
import { measureLinearity } from "../measure.ts";
import type { SitePair } from "../pairs.ts";
import type { LinearityResult } from "../result.ts";
import { linearityTables } from "../tables.ts";
import { linearityAnswer, linearityViews } from "../views.ts";
import { drawn, type SampleParameters, sampleParameters } from "./sample-parameters.ts";

interface LinearityParameters extends SampleParameters {
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
    ...sampleParameters(),
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
    const sample = await drawn(params, model.architecture, vocabulary, signal, (done) =>
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
