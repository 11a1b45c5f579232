import { percent, short, type Table, type View } from "@resolvent/analysis";
import type { CircuitResult } from "../circuit.ts";
import { smallestCircuit } from "../smallest-circuit.ts";
import { targetWords } from "./parameters.ts";

/** How much of the target the circuit that is drawn keeps. */
const FAITHFUL = 0.9;
/** Edges that are drawn at most. */
const DRAWN = 300;

/** How few edges are enough, in words. */
export function circuitAnswer(result: CircuitResult): string[] {
  const { edgeCount, sizes, targetModel, targetEmpty, pairs } = result;
  const found = smallestCircuit(result, FAITHFUL);
  const target = targetWords(result);
  const cut = `${pairs.length > 1 ? `Over ${pairs.length} pairs, the mean` : "The"} ${target} is ${short(targetModel)} with all edges and ${short(targetEmpty)} with none.`;
  if (found === undefined) {
    const best = sizes.reduce((most, { faithfulness }) => Math.max(most, faithfulness ?? 0), 0);
    return [
      `None of the measured circuits keeps ${percent(FAITHFUL)} of the difference that all edges make; the best keeps ${percent(best)}.`,
      cut,
    ];
  }
  const { size, edges } = found;
  return [
    `The smallest circuit for ${percent(FAITHFUL)}, of the sizes measured, has ${size.edges} of ${edgeCount} edges (${percent(size.share)}) and keeps ${percent(size.faithfulness ?? 0)} of the difference that all edges make.`,
    `Of these, ${edges.length} are on a way from the embedding to the output. ${cut}`,
  ];
}

/** The edges of that circuit, for its drawing. */
export function keptTable(result: CircuitResult): Table {
  const found = smallestCircuit(result, FAITHFUL);
  return {
    kind: "circuit-kept",
    view: true,
    data: true,
    title: `The smallest circuit for ${percent(FAITHFUL)}, without dangling edges`,
    columns: [
      { name: "source", kind: "text", head: "from", refers: "node" },
      { name: "receiver", kind: "text", head: "to" },
      { name: "node", kind: "text", refers: "node", detail: true },
      { name: "score", kind: "effect" },
    ],
    rows: (found?.edges ?? []).map(({ source, receiver, node, score }) => [
      ...[source, receiver, node, score],
    ]),
  };
}

export function circuitViews(result: CircuitResult): View[] {
  const { model, edgeCount, setting } = result;
  const found = smallestCircuit(result, FAITHFUL);
  const curve: View = {
    ...{ mark: "lines", table: "circuit-size", x: "share", y: [{ column: "faithfulness" }] },
    along: "log",
    title: "How much is kept, by the share of edges",
    note: "Faithfulness 1 is the whole model, 0 the model with every edge cut. Shares are on a scale of powers of ten.",
  };
  const edges: View = {
    ...{ mark: "list", table: "circuit-edge", columns: ["source", "receiver", "score"], most: 20 },
    title: "The edges with the largest scores",
  };
  if (found === undefined || found.edges.length === 0) return [curve, edges];
  const drawn = found.edges.slice(0, DRAWN);
  const names = new Set(drawn.flatMap(({ source, node }) => [source, node]));
  const blockOf = (name: string): string => {
    const [, layer, kind] = /^(L\d+)\.(H|N)\d+$/.exec(name) ?? [];
    return layer === undefined ? name : `${layer}.${kind === "H" ? "attn" : "mlp"}`;
  };
  const layers = ["embed", ...model.blocks, "final"]
    .map((block) => [...names].filter((name) => blockOf(name) === block).sort(byNumber))
    .filter((layer) => layer.length > 0);
  const exact =
    setting.reference.kind === "run" ? " Taking the dangling ones away changes nothing." : "";
  return [
    {
      ...{ mark: "graph", table: "circuit-kept", from: "source", to: "node", value: "score" },
      ...{ layers, most: DRAWN },
      title: `The smallest circuit for ${percent(FAITHFUL)}: ${found.size.edges} of ${edgeCount} edges, ${found.edges.length} without dangling ones`,
      note: `From the embedding at the bottom to the output on top; wider edges have larger scores. A dashed edge has a negative score: patching it lowers the target, so it speaks for the target; a solid one speaks against it.${exact}${drawn.length < found.edges.length ? ` The first ${drawn.length} are drawn.` : ""}`,
    },
    curve,
    edges,
  ];
}

/** `L0.H2` before `L0.H10`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
