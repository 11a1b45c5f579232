import {
  type Cell,
  type Column,
  certificateLine,
  inputLine,
  promptText,
  roundingOf,
  short,
  type Table,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import type { ActivationLinearity, ComparedPath, PathChange } from "../measure/index.ts";
import type { ComparisonResult } from "./compare-result.ts";

export const COMPARE_TABLE_KINDS: readonly string[] = [
  ...["merged-degree", "compared-path", "changed-path"],
  ...["compared-block", "compared-head", "compared-tensor"],
];

/** Two models and their merge by degree, path by path, block by block, head by head, tensor by tensor. */
export function compareTables(result: ComparisonResult): Table[] {
  return [
    degreeTable(result),
    pathTable(result),
    changedTable(result),
    blockTable(result),
    headTable(result),
    tensorTable(result),
  ];
}

/** What the merge is, in words. */
function mergeWords({ merge, model, other }: ComparisonResult): string {
  const mean = `the mean of ${model.name} and ${other.name} at α = ${short(merge.alpha)}`;
  return merge.name === null ? mean : `${merge.name}, against ${mean}`;
}

function degreeTable(result: ComparisonResult): Table {
  const { model, other, input, degrees, precision, warnings, certificate } = result;
  const { tree, paths, above, total } = degrees;
  const codes = warningCodes(warnings);
  const row = (
    name: Cell,
    t: Partial<(typeof tree)[number]> | undefined,
    p: Partial<(typeof paths)[number]> | undefined,
  ): Cell[] => [
    ...[name, typeof name === "number" ? `degree ${name}` : name],
    ...[t?.relativeDifference ?? null, t?.cosine ?? null, t?.between ?? null],
    ...[p?.relativeDifference ?? null, p?.cosine ?? null, p?.between ?? null],
    ...[p?.firstShare ?? null, p?.secondShare ?? null, p?.share ?? null],
    ...[t?.firstNorm ?? null, t?.secondNorm ?? null, t?.norm ?? null, t?.expectedNorm ?? null],
    ...[p?.firstNorm ?? null, p?.secondNorm ?? null, p?.norm ?? null, p?.expectedNorm ?? null],
    codes,
  ];
  const many = Math.max(tree.length, paths.length);
  const norm = (name: string): Column => ({ name, kind: "number", detail: true });
  const rounding = roundingOf(precision, [1]); // of what is relative to T
  return {
    kind: "merged-degree",
    replaces: "degrees",
    title: "At which degrees the merge is the merge of its parts",
    subtitle: `${inputLine(model, input.tokens)}, and ${other.name}; ${mergeWords(result)}`,
    columns: [
      { name: "degree", kind: "count" },
      { name: "term", kind: "text", view: true, detail: true },
      { name: "tree", head: "tree: off by", kind: "number", missing: "–", rounding },
      { name: "treeCosine", head: "cosine", kind: "number", missing: "–" },
      { name: "treeBetween", head: "between models", kind: "number", missing: "–", minor: true },
      { name: "paths", head: "paths: off by", kind: "number", missing: "–", rounding },
      { name: "pathsCosine", head: "cosine of paths", kind: "number", missing: "–" },
      {
        ...{ name: "pathsBetween", head: "between models (paths)", kind: "number" },
        ...{ missing: "–", minor: true },
      },
      { name: "firstShare", head: model.name, kind: "share", missing: "–" },
      { name: "secondShare", head: nameBeside(result), kind: "share", missing: "–" },
      { name: "mergeShare", head: "merge", kind: "share", missing: "–", minor: true },
      ...["treeFirstNorm", "treeSecondNorm", "treeMergeNorm", "treeExpectedNorm"].map(norm),
      ...["pathsFirstNorm", "pathsSecondNorm", "pathsMergeNorm", "pathsExpectedNorm"].map(norm),
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: Array.from({ length: many }, (_, k) => row(k, tree[k], paths[k])),
    ...(above !== null && { rest: row("above", above.tree, above.paths) }),
    footer: [row("all", total, total)],
    notes: [
      ...warningLines(warnings),
      "off by: ‖D_k(merge) − ((1−α) D_k(first) + α D_k(second))‖ / ‖T(merge)‖; a merge is linear where it is 0. Cosine: of the same two; between models: of D_k of the two models",
      "tree: nothing frozen; paths: all gates frozen, each model at its own run. The last columns are each degree's share of the centred logits, by paths",
      certificateLine("the worst of ‖Σ D_k − T‖/‖T‖ and |Σ paths − ⟨w, T⟩|", certificate, {
        precision,
      }),
    ],
  };
}

/** The second model's name, told from the first's. */
function nameBeside({ model, other }: ComparisonResult): string {
  return model.name === other.name ? `${other.name} (second)` : other.name;
}

const CHANGES: Readonly<Record<PathChange, string>> = {
  kept: "",
  appears: "appears",
  vanishes: "vanishes",
  flips: "flips its sign",
};

function pathColumns(result: ComparisonResult): Column[] {
  return [
    { name: "path", kind: "text" },
    { name: "source", kind: "text", detail: true },
    { name: "nodes", kind: "text", detail: true, refers: "node" },
    { name: "degree", kind: "count" },
    { name: "first", head: result.model.name, kind: "effect" },
    { name: "second", head: nameBeside(result), kind: "effect" },
    { name: "change", head: "from one to the other", kind: "text" },
    { name: "merge", kind: "effect" },
    { name: "expected", head: "were it linear", kind: "number", minor: true },
    { name: "mergeChange", head: "in the merge", kind: "text" },
  ];
}

function pathCells({ text, source, nodes, degree, first, second, ...own }: ComparedPath): Cell[] {
  const { change, merge } = own;
  const short = text.replace(/ → logit .*$/, "");
  return [
    ...[short, source, nodes.join(" "), degree, first, second, CHANGES[change]],
    ...[merge?.effect ?? null, merge?.expected ?? null, CHANGES[merge?.change ?? "kept"]],
  ];
}

function pathTable(result: ComparisonResult): Table {
  const { paths, target, level, sums, threshold, precision } = result;
  const [first, second, merge] = [sums.first, sums.second, sums.merge];
  const others = (total: number, of: (path: ComparedPath) => number): number =>
    total - paths.reduce((sum, path) => sum + of(path), 0);
  const rest: Cell[] = [
    ...["all others", null, null, null],
    ...[others(first.total, (path) => path.first), others(second.total, (path) => path.second)],
    ...[null, others(merge.total, (path) => path.merge?.effect ?? 0), null, null],
  ];
  return {
    kind: "compared-path",
    replaces: "paths",
    title: `The largest paths of each model by ${level}s, to ${target.readout}`,
    columns: pathColumns(result),
    rows: paths.map(pathCells),
    rest,
    // What all leave is a difference of sums.
    rounding: roundingOf(
      precision,
      paths.flatMap((path) => [path.first, path.second, path.merge?.effect ?? null]),
    ),
    notes: [
      `${target.readout} = ${[first, second, merge].map((one) => `${short(one.total + one.constant)} (${one === merge ? "merge" : one.name})`).join(", ")}`,
      `a path is there where its effect is at least ${short(threshold)} of the largest in that model; each model frozen at its own run`,
    ],
  };
}

/** The paths that are not in both models with one sign. */
function changedTable(result: ComparisonResult): Table {
  const changed = result.paths.filter(({ change }) => change !== "kept");
  return {
    kind: "changed-path",
    view: true,
    data: true,
    title: `Paths that appear, vanish or flip from ${result.model.name} to ${nameBeside(result)}`,
    columns: pathColumns(result),
    rows: changed.map(pathCells),
  };
}

const LINEARITY: readonly (readonly [name: keyof ActivationLinearity, head: string])[] = [
  ["relativeError", "off by"],
  ["cosine", "cosine"],
  ["apart", "models apart"],
  ["between", "cosine of models"],
];

const cellsOf = (of: ActivationLinearity): Cell[] => LINEARITY.map(([name]) => of[name]);

function blockTable(result: ComparisonResult): Table {
  const { embed, blocks, logits, corpus, input } = result;
  const on =
    corpus === null
      ? promptText(input.tokens)
      : `${corpus.name}: ${corpus.tokens} tokens in ${corpus.sequences} sequences`;
  return {
    kind: "compared-block",
    replaces: "blocks",
    title: "Is each activation of the merge the merge of the activations?",
    subtitle: on,
    columns: [
      { name: "block", kind: "text", refers: "node" },
      ...LINEARITY.map(([name, head]): Column => ({ name, head, kind: "number", missing: "–" })),
      ...LINEARITY.map(
        ([name, head]): Column => ({
          ...{ name: `write${upper(name)}`, head: `its write: ${head}`, kind: "number" },
          ...{ missing: "–", minor: name === "cosine" || name === "between" },
        }),
      ),
    ],
    rows: [
      ["embed", ...cellsOf(embed), ...LINEARITY.map(() => null)],
      ...blocks.map(({ block, write, ...stream }) => [
        block,
        ...cellsOf(stream),
        ...cellsOf(write),
      ]),
      ["logits", ...cellsOf(logits), ...LINEARITY.map(() => null)],
    ],
    notes: [
      "of the stream after the block, and of what it adds; off by: ‖m − e‖ / ‖m‖, e the mean of the models' (Zhou et al. 2024); models apart: ‖b − a‖ / ‖a‖; cosines are means over tokens",
    ],
  };
}

function upper(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function headTable({ heads }: ComparisonResult): Table {
  return {
    kind: "compared-head",
    replaces: "heads",
    title: "Heads: what they write, and where they look",
    columns: [
      { name: "head", kind: "text", refers: "node" },
      ...LINEARITY.map(
        ([name, head]): Column => ({
          ...{ name, head, kind: "number", missing: "–" },
          ...(name === "cosine" && { minor: true }),
        }),
      ),
      { name: "attention", head: "looks elsewhere: merge", kind: "share", missing: "–" },
      {
        name: "attentionApart",
        head: "looks elsewhere: second model",
        kind: "share",
        missing: "–",
      },
    ],
    rows: heads.map(({ name, write, pattern }) => [
      ...[name, ...cellsOf(write), pattern.merge, pattern.apart],
    ]),
    notes: [
      "looks elsewhere: ½ Σ |p − q| on average over positions, of the merge against the mean of the models' patterns, and of the second model against the first",
    ],
  };
}

function tensorTable(result: ComparisonResult): Table {
  const { tensors, tensorsOf, base } = result;
  const straight = tensors.filter(({ slerpIsLinear }) => slerpIsLinear).length;
  return {
    kind: "compared-tensor",
    replaces: "tensors",
    title:
      tensorsOf === "deltas"
        ? `What training changed, against ${base?.name}`
        : "Weights, tensor by tensor",
    columns: [
      { name: "name", head: "tensor", kind: "text" },
      { name: "entries", kind: "count", minor: true },
      { name: "angle", kind: "number", missing: "–" },
      { name: "cosine", kind: "number", missing: "–", minor: true },
      { name: "normRatio", head: "‖first‖/‖second‖", kind: "number", missing: "–" },
      { name: "signConflict", head: "sign conflict", kind: "share", missing: "–" },
      { name: "signConflictWeighted", head: "weighted", kind: "share", missing: "–" },
      ...["normFirst", "normSecond"].map(
        (name): Column => ({ name, kind: "number", detail: true }),
      ),
      { name: "both", kind: "count", detail: true },
      {
        ...{ name: "weightsAngle", head: "angle of weights", kind: "number", missing: "–" },
        detail: tensorsOf === "weights",
      },
      { name: "weightsCosine", kind: "number", detail: true },
      { name: "weightsNormRatio", kind: "number", detail: true },
      { name: "slerp", kind: "text" },
    ],
    rows: tensors.map((one) => [
      ...[one.name, one.entries, one.angle, one.cosine, one.normRatio],
      ...[one.signConflict, one.signConflictWeighted, one.normFirst, one.normSecond, one.both],
      ...[one.weights.angle, one.weights.cosine, one.weights.normRatio],
      one.slerpIsLinear ? "is linear" : "",
    ]),
    notes: [
      `angles in radians; sign conflict: share of the entries, zero in neither, of opposite signs${tensorsOf === "deltas" ? "" : " (of the weights themselves; with a base, of what training has changed)"}`,
      `slerp is linear for ${straight} of ${tensors.length} tensors: the cosine of their weights is above 0.9995 in size`,
    ],
  };
}
