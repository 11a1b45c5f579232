import { short, tokenPlaces, type View } from "@resolvent/analysis";
import type { PathExpansion } from "../path-expansion.ts";
import { sourceText } from "../path-text.ts";

/** The number and what it is a sum of, in words. */
export function pathsAnswer({
  input,
  target,
  total,
  constant,
  otherSources,
  count,
  level,
  shown,
  notShown,
}: PathExpansion): string[] {
  const value = total + constant + otherSources;
  const [first] = shown;
  const after =
    target.b === null ? "" : value > 0 ? ": the first is ahead" : ": the second is ahead";
  const texts = input.tokens.map(({ text }) => text);
  const largest =
    first === undefined
      ? ""
      : ` The largest, ${[sourceText({ name: first.source, position: first.position }, texts), ...first.nodes].join(" → ")}, contributes ${short(first.effect)}; the ${shown.length} shown leave ${short(notShown.sum)} to all others.`;
  return [
    `After this text the model’s ${target.readout} is ${short(value)}${after}.`,
    `That number is the sum of ${Number(count).toLocaleString("en")} paths by ${level}s, ${short(total)}, and a constant, ${short(constant)}.${largest}`,
  ];
}

/** Routes that are drawn at most. */
const DRAWN = 24;

export function pathsViews(expansion: PathExpansion): View[] {
  const { model, input, shown, search, score } = expansion;
  // To a head lead the blocks before it.
  const own = score === undefined ? -1 : model.blocks.indexOf(`L${score.layer}.attn`);
  const blocks = own < 0 ? model.blocks : model.blocks.slice(0, own);
  const routed = shown.some(({ routes }) => (routes?.shown ?? []).length > 0);
  return [
    {
      ...{ mark: "bars", table: "path-degree", y: "degree", x: "sum", cursor: "k" },
      ...{ before: ["routes"], after: ["soFar"] },
      title: "By degree",
      note: "Degree k is all paths that pass through k blocks or heads; a route is a path with a position for each of its steps. To the right of zero: for the answer; to the left: against it.",
    },
    ...(!routed
      ? []
      : [
          {
            ...({ mark: "routes", table: "path-route", nodes: "nodes", at: "positions" } as const),
            ...{ source: "source", width: "effect", most: DRAWN, select: "of" },
            ...(score !== undefined && { end: `${score.name} ${score.side}` }),
            axes: {
              x: tokenPlaces(input.tokens),
              y: blocks.map((key) => ({ key })),
            },
            title: "Where the largest routes run",
            note: "Over the tokens of the text and the blocks of the model. A dot is where a route starts: at the embedding, or a bias at its block. Wider ones have larger effects, dashed ones speak against the answer.",
          },
        ]),
    ...(shown.length === 0
      ? []
      : [
          {
            ...({ mark: "list", table: "path", rest: true, select: "path" } as const),
            columns: shown.some(({ verified }) => verified !== null)
              ? ["path", "degree", "effect", "frozen", "live"]
              : ["path", "degree", "effect"],
            title: search.exhaustive ? "The largest paths" : "Large paths, found by search",
            note: "From where a path starts to where it ends, and what it contributes to the answer; the last row is the exact sum of all others.",
          },
        ]),
    {
      ...{ mark: "bars", table: "direct", y: "part", x: "effect" },
      title: "Who writes it last",
      note: "What each part of the model writes directly in the direction of the answer.",
    },
  ];
}
