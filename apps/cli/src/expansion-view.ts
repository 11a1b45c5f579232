import { divergence, percent, short } from "@resolvent/analysis";
import type { DegreeExpansion, DegreeTerm } from "@resolvent/expansion";
import type { Cost } from "@resolvent/tensor";
import type { Format } from "./options.ts";
import { bar, bytes, csvLine, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const BAR = 20;

/** Writes an expansion in a format. */
export function writeExpansion(
  expansion: DegreeExpansion,
  format: Format,
  terminal: Terminal,
): void {
  switch (format) {
    case "json":
      terminal.out(`${JSON.stringify(expansion, undefined, 2)}\n`);
      return;
    case "ndjson": {
      const { terms, ...rest } = expansion;
      terminal.out(`${JSON.stringify(rest)}\n`);
      for (const term of terms)
        terminal.out(`${JSON.stringify({ kind: "degree-term", ...term })}\n`);
      return;
    }
    case "csv":
      terminal.out(csv(expansion));
      return;
    case "table":
      terminal.show(picture(expansion, terminal));
  }
}

const HEAD = [
  "degree",
  "norm",
  "relativeNorm",
  "logitShare",
  "frozenNormKl",
  "frozenNormTop1",
  "frozenNormLoss",
  "recomputedNormKl",
  "recomputedNormTop1",
  "recomputedNormLoss",
];

function csv({ terms }: DegreeExpansion): string {
  const row = ({ degree, norm, relativeNorm, logitShare, partial }: DegreeTerm): string => {
    const { frozenNorm: f, recomputedNorm: r } = partial;
    return csvLine([
      degree,
      norm,
      relativeNorm,
      logitShare,
      f.kl,
      f.top1,
      f.loss,
      r.kl,
      r.top1,
      r.loss,
    ]);
  };
  return csvLine(HEAD) + terms.map(row).join("");
}

/** The expansion as a small picture: a bar for each degree, what is known so far, the certificate. */
function picture(expansion: DegreeExpansion, { style }: Terminal): string {
  const { terms, remainder, precision } = expansion;
  const largest = Math.max(1, ...terms.map((term) => Math.abs(term.logitShare)));
  const rows = terms.map(({ degree, relativeNorm, logitShare, partial }) => [
    String(degree),
    style.accent(bar(logitShare / largest, BAR)),
    percent(logitShare),
    short(relativeNorm),
    divergence(partial.frozenNorm.kl, precision),
    percent(partial.frozenNorm.top1),
    divergence(partial.recomputedNorm.kl, precision),
  ]);
  if (remainder.from !== "none") {
    const share = remainder.logitShare;
    rows.push([
      "rest",
      style.accent(bar(share / largest, BAR)),
      percent(share),
      short(remainder.relativeNorm),
    ]);
  }
  const columns = [
    { head: "degree", right: true },
    { head: "share of logits" },
    { head: "", right: true },
    { head: "‖D‖/‖T‖", right: true },
    { head: "KL so far", right: true },
    { head: "top-1", right: true },
    { head: "KL, σ anew", right: true },
  ];
  const text = expansion.input.tokens.map((token) => token.text).join("");
  return [
    `${style.bold(title(expansion))}`,
    style.faint(
      `${expansion.model.name}, ${expansion.model.blocks.length} blocks, ${expansion.input.tokens.length} tokens: ${JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)}`,
    ),
    "",
    table(columns, rows),
    certificateLine(expansion),
    "",
  ].join("\n");
}

/** What kind of expansion it is, in words. */
function title({ freeze, reference, method }: DegreeExpansion): string {
  const how =
    freeze.length === 3
      ? `Path expansion (all gates frozen, by ${method === "sweep" ? "one sweep" : "trees"})`
      : freeze.length === 0
        ? "Truncated tree (nothing frozen)"
        : `Truncated tree (${freeze.join(" and ")} frozen)`;
  return reference === "zero" ? how : `${how}, reference ${reference}`;
}

function certificateLine({ certificate, precision, remainder }: DegreeExpansion): string {
  const f64 = certificate.relativeErrorFloat64;
  const anew = precision === "f64" || f64 === null ? "" : `, ${short(f64)} (computed anew in f64)`;
  const sum = remainder.from === "none" ? "Σ D_k" : "Σ D_k + rest";
  return `certificate: ‖${sum} − T‖/‖T‖ = ${short(certificate.relativeError)} (${precision})${anew}`;
}

/** Writes what a computation would take. */
export function writeCost(
  cost: Cost,
  of: { readonly command: string; readonly model: string },
  format: Format,
  terminal: Terminal,
): void {
  const { flops, matmulFlops, bytesMoved, peakBytes } = cost;
  if (format === "table") {
    terminal.show(
      `${short(flops / 1e9)} GFLOP (${percent(matmulFlops / flops)} in products), ${bytes(peakBytes)} for intermediates at most\n`,
    );
  } else if (format === "csv") {
    terminal.out(csvLine(["flops", "matmulFlops", "bytesMoved", "peakBytes"]));
    terminal.out(csvLine([flops, matmulFlops, bytesMoved, peakBytes]));
  } else {
    const result = { schemaVersion: 1, kind: "cost", ...of, ...cost };
    terminal.out(`${JSON.stringify(result, undefined, format === "json" ? 2 : 0)}\n`);
  }
}
