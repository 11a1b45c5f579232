import {
  certificateFor,
  headFacts,
  namedTarget,
  promptResult,
  type Subject,
  type TextFile,
  type TokenName,
  type Vocabulary,
} from "@resolvent/analysis";
import { shownVerdict, verify } from "@resolvent/paths";
import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import type { Model, Target } from "@resolvent/transformer";
import {
  attributionGraph,
  type ExplainedLogit,
  type PromptGraph,
} from "../attribution/attribution-graph.ts";
import { edgeDegrees, withDegrees } from "../attribution/edge-degrees.ts";
import { edgeHops } from "../attribution/edge-hops.ts";
import { hopScore } from "../attribution/hop-score.ts";
import { targetDegrees } from "../attribution/target-degrees.ts";
import { verifyEdge } from "../attribution/verify-edge.ts";
import type { Dictionary } from "../dictionary.ts";
import { type DictionaryRun, withDictionaries } from "../expansion/expansion.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { graphFile } from "../graph/graph-file.ts";
import { dictionaryFacts } from "./dictionary-facts.ts";
import { type GivenParameters, loadGiven, singlesOf } from "./given.ts";
import { type GraphAsked, graphFacts, nodeNames } from "./graph-facts.ts";
import { labelled } from "./graph-labels.ts";
import type { EdgeCheckFacts, GraphResult, HopFacts, NodeCheckFacts } from "./graph-result.ts";
import { type TargetSaid, targetSaid } from "./graph-target.ts";

/** What a graph of a prompt is asked for. */
export interface GraphRunParameters extends GivenParameters, GraphAsked {
  readonly logits: readonly TokenName[];
  readonly target?: readonly TokenName[] | undefined;
  readonly budget: number;
  readonly logitMass: number;
  readonly mostLogits: number;
  readonly mostFeatures: number;
  readonly constantPositions: readonly number[];
  readonly explain: number;
  readonly verify: number;
  readonly ablate: readonly string[];
  readonly times: number;
  readonly labels?: TextFile | undefined;
}

/** The attribution graph of a prompt, with the dictionaries that the host provides. */
export async function promptGraph<T extends Shaped>(
  subject: Subject<T>,
  ids: readonly number[],
  params: GraphRunParameters,
): Promise<GraphResult> {
  const { engine, model, vocabulary, inFloat64, provided, signal } = subject;
  const found = await loadGiven(engine, provided, params, signal);
  try {
    const singles = singlesOf(found);
    return await withDictionaries(engine, model, ids, singles, async (made) => {
      const prompt = await graphOf(subject, engine, made, params, singles);
      signal.throwIfAborted();
      const exact = inFloat64 && {
        float64: await inFloat64((engine64, model64) =>
          errorIn(subject, engine64, model64, ids, params),
        ),
      };
      const { certificate, logits, features } = prompt;
      const said = await saidOf(subject, made, singles, logits, params);
      const graph = await labelled(prompt.graph, params.labels);
      const { facts, pruned } = graphFacts(graph, params, "effect");
      const kept = pruned?.graph ?? graph; // a graph of a run has no cycle
      const degrees = await edgeDegrees(engine, made, kept, { signal });
      const names = nodeNames(kept);
      const strongest = byWeight(kept);
      const asked = { kept, names, strongest };
      const warnings = singles.flatMap((one) => one.warnings);
      const error = worse(worse(certificate.rows, certificate.logits), said?.error ?? 0);
      const first = logits[0]?.target ?? { a: logits[0]?.id ?? 0, b: null };
      return {
        ...promptResult("attribution-graph", engine, model, ids, {
          ...{ freeze: ["pattern", "norm", "activation"], text: vocabulary.text },
          certificate: certificateFor(engine.precision, error, exact ?? {}),
          warnings: [...warnings, ...unreplaced(model, singles)],
        }),
        ...{ file: null, dictionaries: singles.map(dictionaryFacts), features },
        ...facts,
        logits: said
          ? []
          : logits.map(({ id, probability, value, total }) => ({
              ...{ token: { id, text: vocabulary.text(id) }, probability, value, total },
            })),
        ...{
          target: said?.target ?? null,
          constant: said?.constant ?? null,
          total: said?.total ?? null,
          degrees: said?.degrees ?? [],
          steps: said?.steps ?? null,
        },
        rows: certificate.rows,
        hops: await hopsOf(subject, made, graph, asked, params.explain),
        verified: await checked(subject, made, asked, params.verify),
        ablated: await ablated(subject, made, params, first),
        graph: graphFile(withDegrees(kept, degrees)),
      };
    });
  } finally {
    engine.free(found);
  }
}

/**
 * The target that is asked for; undefined where logits are explained.
 *
 * @throws InputError `dictionary/two-targets`, `analysis/bad-target`
 */
export function targetGiven<T extends Shaped>(
  model: Model<T>,
  { logits, target }: Pick<GraphRunParameters, "logits" | "target">,
  vocabulary: Pick<Vocabulary, "tokenId">,
): Target | undefined {
  if (target === undefined || logits.length === 0)
    return target && namedTarget(model, target, vocabulary);
  throw new InputError({
    code: "dictionary/two-targets",
    message: "Logits, each less the mean, and a target, as it is, are two things to explain.",
    remedy: "Give --logits or --target.",
    details: { logits: logits.length },
  });
}

/** What is said of the target beside the graph; undefined without one. */
async function saidOf<T extends Shaped>(
  subject: Pick<Subject<T>, "engine" | "model" | "vocabulary" | "signal" | "onProgress">,
  made: DictionaryRun<T>,
  singles: readonly Dictionary<T>[],
  [first]: readonly ExplainedLogit[],
  params: GraphRunParameters,
): Promise<TargetSaid | undefined> {
  if (first?.target === undefined) return undefined;
  return await targetSaid(subject, made, singles, { ...first, target: first.target }, params);
}

async function graphOf<T extends Shaped>(
  { vocabulary, signal, onProgress }: Pick<Subject<Shaped>, "vocabulary" | "signal" | "onProgress">,
  engine: Engine<T>,
  made: DictionaryRun<T>,
  params: GraphRunParameters,
  singles: readonly Dictionary<T>[],
): Promise<PromptGraph> {
  const { logits, logitMass, mostLogits, mostFeatures, constantPositions } = params;
  const ids = Array.from(made.run.ids.data);
  const target = targetGiven(made.model, params, vocabulary);
  return await attributionGraph(engine, made, {
    logits: {
      ...(logits.length > 0 && { tokens: logits.map((name) => vocabulary.tokenId(name)) }),
      ...(target !== undefined && { target }),
      ...{ mass: logitMass, most: mostLogits },
    },
    ...{ features: mostFeatures, constantPositions, token: vocabulary.text, signal },
    prompt: vocabulary.decode(ids),
    scan: singles.length === 1 ? (singles[0]?.name ?? "") : made.model.name,
    onProgress: (done, total) => onProgress({ done, total, of: "row" }),
  });
}

/** How far the sums are off in float64, dictionaries and all. */
async function errorIn<T extends Shaped, U extends Shaped>(
  subject: Subject<T>,
  engine: Engine<U>,
  model: Model<U>,
  ids: readonly number[],
  params: GraphRunParameters,
): Promise<number> {
  const found = await loadGiven(engine, subject.provided, params, subject.signal);
  try {
    const singles = singlesOf(found);
    return await withDictionaries(engine, model, ids, singles, async (made) => {
      const { certificate, logits } = await graphOf(subject, engine, made, params, singles);
      const error = worse(certificate.rows, certificate.logits);
      const target = logits[0]?.target;
      if (target === undefined) return error;
      const { certificate: degrees } = await targetDegrees(engine, model, made, target);
      return worse(error, degrees);
    });
  } finally {
    engine.free(found);
  }
}

/** The larger; what is not a number is larger than all that is. */
const worse = (a: number, b: number): number => (a >= b || Number.isNaN(a) ? a : b);

/** MLPs without a transcoder pass as their linear parts: a graph of a part of the model is told apart from one of all. */
function unreplaced<T extends Shaped>(
  { architecture }: Model<T>,
  singles: readonly Dictionary<T>[],
): { readonly code: string; readonly message: string }[] {
  const count = architecture.layers - singles.length;
  if (count <= 0 || architecture.d_mlp === 0) return [];
  const message = `${count} of ${architecture.layers} MLPs have no transcoder: their linear parts, with the gates of the run, are parts of edges.`;
  return [{ code: "mlps-without-transcoder", message }];
}

/** What is asked of a pruned graph. */
interface Kept {
  readonly kept: AttributionGraph;
  readonly names: readonly string[];
  /** Edges, the largest by size first. */
  readonly strongest: readonly number[];
}

function byWeight({ edges: { weight } }: AttributionGraph): number[] {
  return Array.from(weight.keys()).sort(
    (a, b) => Math.abs(weight[b] ?? 0) - Math.abs(weight[a] ?? 0) || a - b,
  );
}

const nameOf = ({ kept, names }: Kept, end: "source" | "target", edge: number): string =>
  names[kept.edges[end][edge] ?? -1] ?? "";

/** The strongest edges between different positions, the head that most of each goes through, and why it looks there. */
async function hopsOf<T extends Shaped>(
  { engine, signal, onProgress }: Subject<T>,
  made: DictionaryRun<T>,
  whole: AttributionGraph,
  asked: Kept,
  most: number,
): Promise<HopFacts[]> {
  const { kept, strongest } = asked;
  const { nodes, edges } = kept;
  const wholeNames = nodeNames(whole);
  const moved = strongest.filter((edge) => {
    const [from, to] = [nodes[edges.source[edge] ?? -1], nodes[edges.target[edge] ?? -1]];
    return from?.position !== to?.position;
  });
  const chosen = moved.slice(0, most);
  const found: HopFacts[] = [];
  for (const [i, edge] of chosen.entries()) {
    signal.throwIfAborted();
    onProgress({ done: i, total: chosen.length, of: "edge explained" });
    const [hop] = await edgeHops(engine, made, kept, edge, { most: 1 });
    if (hop === undefined) continue;
    // What makes a head look may give the logits nothing itself: of the whole graph, not of the pruned one.
    const score = await hopScore(engine, made, whole, hop);
    const side = (list: typeof score.query): { node: string; effect: number }[] =>
      list.map(({ node, value }) => ({ node: wholeNames[node] ?? "", effect: value }));
    found.push({
      ...{ from: nameOf(asked, "source", edge), to: nameOf(asked, "target", edge) },
      ...{ weight: edges.weight[edge] ?? 0, head: headFacts(hop), query: hop.query, key: hop.key },
      ...{ effect: hop.effect, pattern: hop.pattern, score: score.score },
      ...{ querySide: side(score.query), keySide: side(score.key) },
      ...{ queryOthers: score.queryOthers, keyOthers: score.keyOthers },
      scorePairs: score.pairs.map(({ query, key, value }) => ({
        ...{ query: wholeNames[query] ?? "", key: wholeNames[key] ?? "", effect: value },
      })),
    });
  }
  return found;
}

async function checked<T extends Shaped>(
  { engine, signal, onProgress }: Subject<T>,
  made: DictionaryRun<T>,
  asked: Kept,
  most: number,
): Promise<EdgeCheckFacts[]> {
  const chosen = asked.strongest.slice(0, most);
  const found: EdgeCheckFacts[] = [];
  for (const [i, edge] of chosen.entries()) {
    signal.throwIfAborted();
    onProgress({ done: i, total: chosen.length, of: "edge checked" });
    const verdict = await verifyEdge(engine, made, asked.kept, edge);
    const ends = { from: nameOf(asked, "source", edge), to: nameOf(asked, "target", edge) };
    found.push({ ...ends, ...verdict });
  }
  return found;
}

/** What changing features does to a target, along all of their paths. */
async function ablated<T extends Shaped>(
  { engine, signal, vocabulary }: Subject<T>,
  { model, run, sources, level, live }: DictionaryRun<T>,
  { ablate, times }: GraphRunParameters,
  target: Target,
): Promise<NodeCheckFacts[]> {
  const found: NodeCheckFacts[] = [];
  for (const name of ablate) {
    signal.throwIfAborted();
    const [, node = "", at] = /^(L\d+\.F\d+)(?:@(\d+))?$/.exec(name) ?? [];
    if (node === "") throw noFeature(name);
    const position = at === undefined ? {} : { position: Number(at) };
    const claim = { kind: "node", node, times, ...position } as const;
    const verdict = await verify(engine, model, run, target, claim, { sources, level, live });
    found.push({ node: name, times, ...shownVerdict(verdict, vocabulary.text) });
  }
  return found;
}

function noFeature(name: string): InputError {
  return new InputError({
    code: "dictionary/no-feature",
    message: `"${name.slice(0, 60)}" is no feature.`,
    remedy: "Features are L2.F88, at all positions, or L2.F88@4, at one.",
    details: { got: name },
  });
}
