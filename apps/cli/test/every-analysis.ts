import {
  type AnyAnalysis,
  type ByParameter,
  checkParameters,
  type DictionaryFiles,
  type ListedAnalysis,
  type NewFolder,
  type Result,
  type Subject,
  type TextFile,
  type Vocabulary,
} from "@resolvent/analysis";
import { createLinearAlgebra } from "@resolvent/cpu";
import type { Engine, Shaped } from "@resolvent/tensor";
import { tinyDictionary, tinyModel } from "@resolvent/testkit";
import { loadModel, type Model } from "@resolvent/transformer";
import { analyses } from "../src/analyses.ts";

const vocabulary: Vocabulary = {
  encode: (prompt) =>
    typeof prompt === "string" ? [...prompt].map((c) => c.charCodeAt(0) % 29) : prompt,
  tokenId: Number,
  text: (id) => `t${id}`,
  entry: (id) => `t${id}`,
  decode: (ids) => ids.join(" "),
};

const prompt = [3, 17, 5, 9, 5];
const corrupt = [3, 17, 8, 9, 5];
/** Lines of ids. */
const tokensFile: TextFile = {
  name: "ids.txt",
  stream: async function* () {
    for (let line = 0; line < 6; line++) {
      const ids = Array.from({ length: 7 }, (_, i) => (5 * line + 3 * i * i) % 29);
      yield new TextEncoder().encode(`${ids.join(",")}\n`);
    }
  },
};

/** Another model, as a parameter names it. */
const other = "other";

/** A folder that takes what is written to it, and keeps nothing. */
const out: NewFolder = {
  name: "out",
  write: async (fill) =>
    await fill(async (_, pieces) => {
      for await (const _piece of pieces);
    }),
};

/** An autoencoder of the stream, and a transcoder before it, which graphs take alone; one is measured at a time. */
function dictionariesOf(name: string, width: number): readonly DictionaryFiles[] {
  const before = { hook: "blocks.0.ln2.hook_normalized", hookOut: "blocks.0.hook_mlp_out" };
  const sae = { name: "sae", folder: tinyDictionary({ width }) };
  const transcoder = { name: "transcoder", folder: tinyDictionary({ ...before, width, seed: 1 }) };
  if (name === "dictionary") return [sae];
  return name === "graph" ? [transcoder] : [sae, transcoder];
}

type Given = Readonly<Record<string, unknown>>;

/** Parameters of each analysis, as many ways through it as there are entries. */
export const asked: Readonly<Record<string, readonly Given[]>> = {
  expand: [{ prompt }, { prompt, maxDegree: 2, target: [4, 9] }],
  lens: [{ prompt }],
  qk: [{ prompt }, { prompt, by: "degree" }],
  series: [{ prompt }],
  interactions: [{ prompt }, { prompt, players: "heads", layer: 1 }],
  profile: [{ prompt }],
  paths: [
    { prompt, verify: 2, routes: 3 },
    { prompt, level: "block" },
  ],
  patch: [
    { prompt, corrupt },
    { prompt, corrupt, nodes: true, positions: true, level: "head" },
    { prompt, corrupt, method: "eap-ig" },
    { prompt, corrupt, direction: "denoise" },
    { prompt, corrupt, reference: "mean" },
  ],
  circuit: [{ prompt, corrupt }],
  "train-dictionary": [
    { tokensFile, site: "L0.mlp.after", features: 6, k: 2, steps: 2, batch: 4, buffer: 8, out },
  ],
  dictionary: [{}, { tokensFile }],
  features: [{ tokensFile }, { tokensFile, feature: [3] }],
  graph: [
    { prompt, mostFeatures: 8, verify: 1, explain: 1, ablate: ["L0.F3"] },
    { prompt, mostFeatures: 8, target: [3, 5], top: 2, budget: 1 },
  ],
  linearity: [{ tokensFile, draws: 20, lensPasses: 1 }],
  "jacobian-lens": [{ tokensFile, skip: 2, draws: 20 }],
  report: [{ tokensFile, sequences: 2, top: 2, verify: 1, order: 2 }],
  barrier: [
    { tokensFile, other, points: 3, base: other, grid: 2 },
    { tokensFile, other, points: 2, method: "slerp" },
  ],
  compare: [
    { prompt, other },
    { prompt, other, merge: other, level: "head", tokensFile },
  ],
  align: [{ other }, { other, by: "activations", tokensFile, points: 2, out }],
  heads: [{ repeatLength: 6 }],
  ov: [{ head: "L1.H0" }, { head: "L1.H0", words: [3, 5, 9] }],
  run: [
    { prompt, generate: 3, sites: ["*.pattern"] },
    { prompt, generate: 3, temperature: 1 },
  ],
};

/** A result as JSON, without what holds of one run only: who computed, and how long `profile` saw it take. */
function lasting(result: Result): unknown {
  const timed = result.kind === "profile";
  return JSON.parse(JSON.stringify(result), (key, value) => {
    if (key === "engine" || (timed && ["milliseconds", "share"].includes(key))) return undefined;
    return timed && Array.isArray(value) ? value.toSorted(byName) : value; // the longest came first
  });
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

/** The models that parameters may name, on an engine; none where none is named. */
export async function othersOn<T extends Shaped>(
  engine: Engine<T>,
  family: string,
  params: Given,
): Promise<ByParameter<Model<T>>> {
  if (!("other" in params)) return {};
  const model = await loadModel(engine, tinyModel(family, { seed: 1 }), { hash: false });
  return { other: model, base: model, merge: model };
}

export async function resultOf<T extends Shaped>(
  engine: Engine<T>,
  family: string,
  model: Model<T>,
  models: ByParameter<Model<T>>,
  { analysis, params }: { readonly analysis: AnyAnalysis; readonly params: Given },
): Promise<unknown> {
  const [first, second] = [tinyModel(family), tinyModel(family, { seed: 1 })];
  const subject: Subject<T> = {
    engine,
    model,
    models,
    folders: { model: first, other: second, base: second },
    vocabulary,
    linearAlgebra: () => createLinearAlgebra(),
    provided: { dictionary: dictionariesOf(analysis.name, model.architecture.d_model) },
    signal: new AbortController().signal,
    onProgress: () => {},
  };
  const checked = await checkParameters(analysis.params, params);
  return lasting(await analysis.run(subject, checked));
}

/** Others compute with nothing, or open what they compute with themselves. */
export const onModel = (analysis: ListedAnalysis): analysis is AnyAnalysis =>
  analysis.needs !== "outline" && analysis.needs !== "files";

/** Every way through every analysis that computes with a model. */
export const cases: readonly {
  readonly name: string;
  readonly analysis: AnyAnalysis;
  readonly params: Given;
}[] = analyses
  .filter(onModel)
  .flatMap((analysis) =>
    (asked[analysis.name] ?? []).map((params) => ({ name: analysis.name, analysis, params })),
  );
