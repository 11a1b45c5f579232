import { InputError } from "@resolvent/tensor";
import type { Architecture } from "@resolvent/transformer";
import { edgesOf, type PatchGraph, patchGraph } from "./graph.ts";
import type { EffectMatrix, PatchResult } from "./patch.ts";

/**
 * A graph of edges and their scores, as EAP-IG writes it (`Graph.to_json`) and MIB's circuit track takes it as a
 * submission (Mueller et al. 2025): importance scores of all edges between `input`, heads `a0.h1`, MLPs `m0` and `logits`,
 * `a0.h1->m0`, those into heads by what they are read as, `a0.h1->a1.h0<q>`.
 */
export interface MibGraph {
  readonly cfg: {
    readonly n_layers: number;
    readonly n_heads: number;
    readonly parallel_attn_mlp: boolean;
    readonly d_model: number;
  };
  readonly nodes: Readonly<Record<string, { readonly in_graph: boolean }>>;
  readonly edges: Readonly<Record<string, { readonly score: number; readonly in_graph: boolean }>>;
}

/** What of effects of patching is asked for: those of all edges between heads and MLPs. */
type Effects = Pick<PatchResult, "sources" | "receivers" | "effect" | "level" | "setting">;

/**
 * The effects of all edges as a submission to MIB. A score is by how much the behaviour suffers, as there: the rise of the
 * loss where clean values are replaced, that is the fall of a logit difference or probability.
 *
 * @throws InputError `patching/mib-level` for others than edges at the level of heads
 */
export function mibGraph(architecture: Architecture, effects: Effects): MibGraph {
  const { level, setting, sources, receivers, effect } = effects;
  checkMibLevel({ level, kind: setting.kind });
  const sign = signOf(setting);
  const { layers, heads, parallel, d_model } = architecture;
  const edges = sources.flatMap((source, s) =>
    receivers.flatMap((receiver, r) => {
      const value = effect[s]?.[r];
      if (value === null || value === undefined) return [];
      const score = sign === 1 ? value : 0 - value; // of 0, no −0
      return [[`${nodeName(source)}->${inputName(receiver)}`, { score, in_graph: true }] as const];
    }),
  );
  const nodes = [...sources.map(nodeName), "logits"].map((name) => [name, { in_graph: true }]);
  return {
    cfg: { n_layers: layers, n_heads: heads, parallel_attn_mlp: parallel, d_model },
    nodes: Object.fromEntries(nodes),
    edges: Object.fromEntries(edges),
  };
}

/** @throws InputError `patching/mib-level` */
export function checkMibLevel({
  level,
  kind,
}: {
  readonly level: string;
  readonly kind: string;
}): void {
  if (level === "head" && kind === "edge") return;
  throw new InputError({
    code: "patching/mib-level",
    message: `MIB's graphs have edges between heads and MLPs, got the kind ${kind} at the level ${level}.`,
    remedy: "Patch edges at the level head (--level head).",
    details: { level, kind },
  });
}

/** 1 where an effect is a loss to the behaviour, −1 where it is a gain. */
function signOf({ direction, measure }: Pick<Effects["setting"], "direction" | "measure">): 1 | -1 {
  const falls = measure === "loss" || measure === "kl"; // a better prediction has less
  return (direction === "noise") === falls ? 1 : -1;
}

/** `L0.H1` as `a0.h1`, `L0.mlp` as `m0`, `embed` as `input`. */
function nodeName(name: string): string {
  if (name === "embed") return "input";
  const [, layer = "", head] = /^L(\d+)\.(?:H(\d+)|mlp)/.exec(name) ?? [];
  return head === undefined ? `m${layer}` : `a${layer}.h${head}`;
}

/** `L0.H1.query` as `a0.h1<q>`, `final` as `logits`. */
function inputName(name: string): string {
  if (name === "final") return "logits";
  const [, input] = /\.(query|key|value)$/.exec(name) ?? [];
  return input === undefined ? nodeName(name) : `${nodeName(name)}<${input.slice(0, 1)}>`;
}

/** Characters of a file at most: the scores of some millions of edges. */
const MAX_CHARACTERS = 500_000_000;

/**
 * The graph in a JSON file of EAP-IG, checked.
 *
 * @param name of the file, for messages
 * @throws InputError `patching/bad-mib`
 */
export function readMibGraph(text: string, name = "graph"): MibGraph {
  const bad = (expected: string, details: object = {}): InputError =>
    new InputError({
      code: "patching/bad-mib",
      message: `${name} is no graph of EAP-IG: expected ${expected}.`,
      remedy: "A graph is what EAP-IG saves with to_json, or patch with --mib.",
      details: { name, ...details },
    });
  if (text.length > MAX_CHARACTERS) throw bad(`at most ${MAX_CHARACTERS} characters`);
  let found: Partial<MibGraph>;
  try {
    found = Object(JSON.parse(text));
  } catch {
    throw bad("JSON");
  }
  const { cfg, nodes, edges } = found;
  const counts = [cfg?.n_layers, cfg?.n_heads, cfg?.d_model];
  if (!counts.every((count) => Number.isSafeInteger(count) && Number(count) > 0)) {
    throw bad("a cfg with n_layers, n_heads and d_model");
  }
  if (typeof cfg?.parallel_attn_mlp !== "boolean") throw bad("a cfg with parallel_attn_mlp");
  if (typeof nodes !== "object" || nodes === null) throw bad("nodes by name");
  if (typeof edges !== "object" || edges === null) throw bad("edges by name");
  for (const [edge, info] of Object.entries(edges)) {
    if (Number.isFinite(Object(info).score)) continue;
    throw bad(`a score of the edge ${edge}`, { edge });
  }
  return { cfg, nodes, edges };
}

/**
 * The scores of a graph as effects of a model's edges at the level of heads, source by source as `patchGraph` has them; 0
 * where the graph has no such edge, null where the model has none.
 *
 * @throws InputError `patching/other-mib` for a graph of another model, or with an edge that this one has not
 */
export function mibScores(architecture: Architecture, { cfg, edges }: MibGraph): EffectMatrix {
  const { layers, heads, parallel, d_model } = architecture;
  const own = { n_layers: layers, n_heads: heads, parallel_attn_mlp: parallel, d_model };
  const other = (what: string, details: object): InputError =>
    new InputError({
      code: "patching/other-mib",
      message: `The graph is of another model: ${what}.`,
      remedy: "Take scores of this model's edges.",
      details: { ...details },
    });
  for (const [name, expected] of Object.entries(own)) {
    const got = cfg[name as keyof typeof own]; // its own keys
    if (got !== expected)
      throw other(`${name} is ${got}, expected ${expected}`, { name, got, expected });
  }
  const graph = patchGraph(architecture, "head");
  const names = mibNames(graph);
  const odd = Object.keys(edges).find((name) => !names.has(name));
  if (odd !== undefined) throw other(`it has the edge ${odd}`, { edge: odd });
  const matrix = graph.sources.map(() => graph.receivers.map((): number | null => null));
  for (const [name, { source, receiver }] of names) {
    const row = matrix[source];
    if (row !== undefined) row[receiver] = edges[name]?.score ?? 0;
  }
  return matrix;
}

/** The edges of a graph by the names that they have there. */
function mibNames(graph: PatchGraph): Map<string, ReturnType<typeof edgesOf>[number]> {
  const { sources, receivers } = graph;
  return new Map(
    edgesOf(graph).map((edge) => {
      const [from, to] = [sources[edge.source], receivers[edge.receiver]];
      return [`${nodeName(from?.name ?? "")}->${inputName(to?.name ?? "")}`, edge];
    }),
  );
}
