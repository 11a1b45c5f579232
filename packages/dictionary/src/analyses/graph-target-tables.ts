import { roundingOf, short, type Table } from "@resolvent/analysis";
import { sourceText } from "@resolvent/paths";
import type { GraphResult } from "./graph-result.ts";
import { NO_VERDICT, verdictCells, WITHOUT_COLUMNS } from "./verdict-columns.ts";

/** A target by degree, and its paths through heads and features, each with the model itself beside it. */
export function targetTables({
  target,
  degrees,
  steps,
  precision,
  input,
  constant,
  total,
}: GraphResult): Table[] {
  if (target === null || steps === null) return [];
  const texts = input.tokens.map(({ text }) => text);
  const { shown, notShown, exhaustive, expanded, pending } = steps;
  const verified = shown.some((path) => path.verified !== null);
  const sum = (name: "model" | "replaced" | "tokens" | "errors" | "biases"): number =>
    degrees.reduce((all, row) => all + row[name], 0);
  const columns = ["model", "replaced", "tokens", "errors", "biases"] as const;
  return [
    {
      kind: "graph-degree",
      field: "degrees",
      title: `${target.readout} by degree, in the model itself and in features`,
      columns: [
        { name: "degree", kind: "count" },
        { name: "model", kind: "effect" },
        { name: "replaced", head: "in features", kind: "effect" },
        { name: "tokens", head: "of it, tokens", kind: "number" },
        { name: "errors", kind: "number" },
        { name: "biases", kind: "number" },
      ],
      rows: degrees.map((row) => [row.degree, ...columns.map((name) => row[name])]),
      footer: [["sum", ...columns.map(sum)]],
      rounding: roundingOf(
        precision ?? "f64",
        degrees.map((row) => row.replaced),
      ),
      notes: [
        `degree: the number of blocks passed, an MLP or its transcoder one block; ${target.readout} = ${short(target.value)} = either sum and the constant ${short(constant ?? 0)}; paths of the graph ${short(total ?? 0)}`,
        "model: neurons with their gates held; in features: active sets held; of it: what begins at tokens, at errors of transcoders, at biases",
      ],
    },
    {
      kind: "graph-step-path",
      title: exhaustive
        ? "The largest paths through heads and features"
        : "Large paths through heads and features, found by search",
      columns: [
        { name: "path", kind: "text" },
        { name: "source", kind: "text", detail: true },
        { name: "position", kind: "count", detail: true, refers: "pos" },
        { name: "nodes", kind: "text", detail: true, refers: "node" },
        { name: "degree", kind: "count" },
        { name: "effect", kind: "effect" },
        { name: "model", head: "MLPs whole", kind: "number", missing: "–" },
        { name: "frozen", kind: "number", detail: !verified },
        { name: "live", kind: "number", detail: !verified },
        ...WITHOUT_COLUMNS.map((column) => ({ ...column, ...(!verified && { detail: true }) })),
        { name: "count", kind: "count", detail: true },
      ],
      rows: shown.map(({ source, position, nodes, degree, effect, model, verified: checked }) => [
        [sourceText({ name: source, position }, texts), ...nodes].join(" → "),
        ...[source, position, nodes.join(" "), degree, effect, model],
        ...(checked === null ? NO_VERDICT : verdictCells(checked).slice(1)),
        1,
      ]),
      rest: [
        `${BigInt(notShown.count).toLocaleString("en")} others`,
        ...[null, null, null, null, notShown.sum, null],
        ...NO_VERDICT,
        Number.isSafeInteger(Number(notShown.count)) ? Number(notShown.count) : notShown.count,
      ],
      notes: [
        `from tokens; what begins at errors and biases gives ${short(steps.otherSources)}`,
        "features of transcoders are single nodes here; MLPs whole: the same path of the model itself, where it is among the largest there",
        exhaustive
          ? "every path was looked at: these are the largest"
          : `found by search, and not shown to be the largest: ${expanded.toLocaleString("en")} ends of paths were looked at${pending === null ? "" : `, none left promises more than ${short(pending)} by degree`}`,
        ...(verified
          ? [
              "checked by taking the path away: frozen, with all gates at their values; live, with every gate recomputed, errors as they were",
            ]
          : []),
      ],
    },
  ];
}
