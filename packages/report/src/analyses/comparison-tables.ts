import {
  type Cell,
  type Column,
  type Spread,
  short,
  type Table,
  type View,
} from "@resolvent/analysis";
import type { ReportComparison } from "./report-result.ts";

/** The cards in their order, and their spectra below each other. */
export function comparisonTables({ cards, degrees, near }: ReportComparison): Table[] {
  return [
    {
      kind: "card",
      field: "cards",
      title: `Degrees until the sum is within ${near} nats of the model`,
      columns: [
        { name: "card", kind: "count" },
        { name: "name", kind: "text", head: "model" },
        { name: "blocks", kind: "count" },
        ...spreadColumns("frozen", "number"),
        ...spreadColumns("live", "number"),
        { name: "corpus", kind: "text", minor: true },
        { name: "sequences", kind: "count", minor: true },
      ],
      rows: cards.map(({ name, blocks, frozen, live, corpus, sequences }, i) => [
        ...[i + 1, name, blocks, ...spreadCells(frozen), ...spreadCells(live)],
        ...[corpus ?? "written by the model", sequences],
      ]),
      notes: [
        "frozen: the path expansion with all gates held at the run; live: the truncated tree; ± is half the 95 % interval over sequences",
      ],
    },
    {
      kind: "card-degree",
      field: "degrees",
      title: "Share of the logits by degree",
      columns: [
        { name: "card", kind: "count" },
        { name: "name", kind: "text", head: "model" },
        { name: "degree", kind: "count" },
        ...spreadColumns("frozen", "share"),
        ...spreadColumns("live", "share"),
      ],
      rows: degrees.map(({ card, name, degree, frozen, live }) => [
        ...[card, name, degree, ...spreadCells(frozen), ...spreadCells(live)],
      ]),
    },
  ];
}

function spreadColumns(name: string, kind: Column["kind"]): Column[] {
  return [
    { name, kind, missing: "–" },
    { name: `${name}Half`, head: "±", kind, missing: "–", view: true },
    { name: `${name}Low`, kind: "number", detail: true },
    { name: `${name}High`, kind: "number", detail: true },
  ];
}

function spreadCells(spread: Spread | null): Cell[] {
  if (spread === null) return [null, null, null, null];
  const { mean, low, high } = spread;
  return [mean, high === null ? null : high - mean, low, high];
}

/** What is needed along the cards, frozen and live. */
export function comparisonViews(_: ReportComparison): View[] {
  const series = ["frozen", "live"].map((column) => ({
    ...{ column, low: `${column}Low`, high: `${column}High` },
  }));
  return [
    {
      ...{ mark: "lines", table: "card", x: "card", y: series },
      title: "Degrees until the sum is near the model, along the cards",
      note: "Frozen: the path expansion; live: the truncated tree. Bars are 95 % intervals over sequences.",
    },
    {
      ...{ mark: "grid", table: "card-degree", x: "degree", y: "card", value: "frozen" },
      title: "Share of the logits by degree, all gates frozen",
      note: "A row for each card.",
    },
    {
      ...{ mark: "grid", table: "card-degree", x: "degree", y: "card", value: "live" },
      title: "Share of the logits by degree, nothing frozen",
      note: "A row for each card.",
    },
  ];
}

export function comparisonAnswer({ cards, near }: ReportComparison): string[] {
  const word = (spread: Spread | null): string => (spread === null ? "none" : short(spread.mean));
  return [
    `Degrees until the sum is within ${near} nats of the model, frozen and live: ${cards.map(({ name, frozen, live }) => `${name} ${word(frozen)} and ${word(live)}`).join("; ")}.`,
  ];
}
