import {
  certificateLine,
  inputLine,
  short,
  type Table,
  tokenNotation,
  warningLines,
} from "@resolvent/analysis";
import type { DegreeExpansion } from "../expand.ts";
import { GATES } from "../gates.ts";

/** The terms, and what they are to a target where there is one. */
export function expandTables(expansion: DegreeExpansion): Table[] {
  return [termTable(expansion), ...targetTables(expansion)];
}

function termTable(expansion: DegreeExpansion): Table {
  const { model, input, terms, remainder } = expansion;
  return {
    kind: "degree-term",
    field: "terms",
    title: titleOf(expansion),
    subtitle: inputLine(model, input.tokens),
    columns: [
      { name: "degree", kind: "count" },
      { name: "norm", kind: "number", detail: true },
      { name: "relativeNorm", kind: "number", head: "‖D‖/‖T‖", missing: "–" },
      { name: "logitShare", kind: "bar", head: "share of logits", missing: "–" },
      { name: "frozenNormKl", kind: "divergence", head: "KL so far" },
      { name: "frozenNormTop1", kind: "share", head: "top-1" },
      { name: "frozenNormLoss", kind: "number", detail: true },
      { name: "recomputedNormKl", kind: "divergence", head: "KL, final norm recomputed" },
      { name: "recomputedNormTop1", kind: "share", detail: true },
      { name: "recomputedNormLoss", kind: "number", detail: true },
    ],
    rows: terms.map(({ degree, norm, relativeNorm, logitShare, partial }) => {
      const { frozenNorm: f, recomputedNorm: r } = partial;
      return [
        ...[degree, norm, relativeNorm, logitShare],
        ...[f.kl, f.top1, f.loss, r.kl, r.top1, r.loss],
      ];
    }),
    ...(remainder.from !== "none" && {
      rest: ["rest", null, remainder.relativeNorm, remainder.logitShare ?? null],
    }),
    notes: [...warningLines(expansion.warnings), certificateOf(expansion)],
  };
}

/** What each degree is to the target; none where none was asked for. */
function targetTables({ target, targetDegrees, remainder }: DegreeExpansion): Table[] {
  if (target === null || targetDegrees === null) return [];
  const { readout, value } = target;
  const { constant, degrees, rest } = targetDegrees;
  const left = remainder.from === "none" ? "" : ` + rest ${short(rest)}`;
  const sum = degrees.reduce((all, { contribution }) => all + contribution, 0);
  return [
    {
      kind: "degree-target",
      title: `${readout} by degree, at the last position`,
      columns: [
        { name: "degree", kind: "count" },
        { name: "contribution", kind: "effect" },
        { name: "soFar", kind: "logit", head: "so far" },
        { name: "recomputedTarget", kind: "logit", head: "so far, final norm recomputed" },
        { name: "token", kind: "token", head: "then likeliest" },
        { name: "probability", kind: "share" },
        { name: "likeliest", kind: "text", detail: true },
      ],
      rows: degrees.map(({ degree, contribution, soFar, recomputed }) => {
        const { value: said, top } = recomputed;
        const [first] = top;
        return [
          ...[degree, contribution, soFar, said, first?.text ?? null, first?.probability ?? null],
          top.map(({ text }) => tokenNotation(text)).join(" "),
        ];
      }),
      ...(remainder.from !== "none" && { rest: ["rest", rest, null, null, null, null, null] }),
      notes: [
        `${readout} = ${short(value)}: degrees ${short(sum)}${left} + constant ${short(constant)}, the final norm held at its σ in this run`,
        "so far starts with the constant; the likeliest token is that of the sum so far, with the final norm recomputed",
      ],
    },
  ];
}

/** What kind of expansion it is, in words. */
function titleOf({ freeze, reference, method }: DegreeExpansion): string {
  const how =
    freeze.length === GATES.length
      ? `Path expansion (all gates frozen, by ${method === "sweep" ? "one sweep" : "trees"})`
      : freeze.length === 0
        ? "Truncated tree (nothing frozen)"
        : `Truncated tree (${freeze.join(" and ")} frozen)`;
  return reference === null || reference.kind === "zero"
    ? how
    : `${how}, reference ${reference.kind}`;
}

function certificateOf({ certificate, precision, remainder }: DegreeExpansion): string {
  const sum = remainder.from === "none" ? "Σ D_k" : "Σ D_k + rest";
  return certificateLine(`‖${sum} − T‖/‖T‖`, certificate, { precision, remainder: remainder.from });
}
