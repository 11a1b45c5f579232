import { type Spread, short, type Table, type View } from "@resolvent/analysis";
import type { ReportComparison } from "./report-result.ts";
import { spreadCells, spreadColumns } from "./spread-cells.ts";
import { stepAnswer, stepTable, stepViews } from "./step-tables.ts";

/** Along training, where the cards are checkpoints; the cards in their order, and their spectra below each other. */
export function comparisonTables(comparison: ReportComparison): Table[] {
  const { cards, degrees, steps, near } = comparison;
  return [
    ...(steps.length === 0 ? [] : [stepTable(comparison)]),
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
        ...spreadColumns("loss", "number"),
        ...spreadColumns("accuracy", "share"),
        { name: "corpus", kind: "text", minor: true },
        { name: "sequences", kind: "count", minor: true },
      ],
      rows: cards.map(({ name, blocks, frozen, live, loss, accuracy, corpus, sequences }, i) => [
        ...[i + 1, name, blocks, ...spreadCells(frozen), ...spreadCells(live)],
        ...[
          ...spreadCells(loss),
          ...spreadCells(accuracy),
          corpus ?? "written by the model",
          sequences,
        ],
      ]),
      notes: [
        "frozen: the path expansion with all gates held at the run; live: the truncated tree; loss in nats a token, accuracy the share of next tokens that are the model's first choice, which models with other tokenizers have of other tokens; ± is half the 95 % interval over sequences",
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

/** Curves along training, where the cards are checkpoints; else each for itself: what is needed, and the spectra. */
export function comparisonViews(comparison: ReportComparison): View[] {
  const { cards, steps } = comparison;
  if (steps.length > 0) return stepViews(comparison);
  // A name that two have tells neither.
  const by = new Set(cards.map(({ name }) => name)).size === cards.length ? "name" : "card";
  const series = ["frozen", "live"].map((column) => ({
    ...{ column, low: `${column}Low`, high: `${column}High` },
  }));
  return [
    {
      ...{ mark: "dots", table: "card", x: by, y: series },
      title: "Degrees until the sum is near the model",
      note: "Frozen: the path expansion; live: the truncated tree. Bars are 95 % intervals over sequences.",
    },
    {
      ...{ mark: "grid", table: "card-degree", x: "degree", y: by, value: "frozen" },
      title: "Share of the logits by degree, all gates frozen",
      note: "A row for each model.",
    },
    {
      ...{ mark: "grid", table: "card-degree", x: "degree", y: by, value: "live" },
      title: "Share of the logits by degree, nothing frozen",
      note: "A row for each model.",
    },
  ];
}

export function comparisonAnswer(comparison: ReportComparison): string[] {
  const { cards, steps, near } = comparison;
  if (steps.length > 0) return stepAnswer(comparison);
  const word = (spread: Spread | null): string => (spread === null ? "none" : short(spread.mean));
  return [
    `Degrees until the sum is within ${near} nats of the model, frozen and live: ${cards.map(({ name, frozen, live }) => `${name} ${word(frozen)} and ${word(live)}`).join("; ")}.`,
  ];
}
