import {
  type Analysis,
  type Cell,
  certificateLine,
  defineAnalysis,
  inputLine,
  type Prompt,
  roundingOf,
  short,
  type Table,
  type TokenName,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import { promptParameter, targetParameter } from "@resolvent/analysis/parameters";
import type { LevelName } from "@resolvent/transformer";
import * as z from "zod";
import {
  type ExpandPathsOptions,
  expandPaths,
  type PathExpansion,
  pathsError,
  targetOf,
} from "../expand-paths.ts";
import { sourceText } from "../path-text.ts";
import { pathsCost } from "../paths-cost.ts";
import { pathsAnswer, pathsViews, routeTables } from "./paths-views.ts";

interface PathsParameters {
  readonly prompt: Prompt;
  readonly target?: readonly TokenName[] | undefined;
  readonly level: LevelName;
  readonly top: number;
  readonly minDegree: number;
  readonly maxDegree?: number | undefined;
  readonly sources: readonly string[];
  readonly positions: boolean;
  readonly budget: number;
  readonly verify: number;
}

/** A logit difference as a sum of paths: `expandPaths` as an analysis. */
export const paths: Analysis<PathsParameters, PathExpansion> = defineAnalysis<
  PathsParameters,
  PathExpansion
>({
  name: "paths",
  summary: "a logit difference as a sum over single paths",
  description:
    "Writes a logit, or a logit difference, at the last position as the sum over all paths through a run of MODEL with its gates frozen; lists the largest paths, and the sum of all others. Where there are too many to enumerate, a search finds large ones, and the output says so.",
  params: z.object({
    prompt: promptParameter("text to read"),
    target: targetParameter,
    level: z.enum(["block", "head", "neuron"]).default("head").meta({
      title: "level",
      description: "steps of a path: whole blocks, heads and MLPs, or heads and neurons",
    }),
    top: z
      .int()
      .min(0)
      .max(10_000)
      .default(20)
      .meta({ title: "n", description: "number of paths listed" }),
    minDegree: z.int().min(0).default(0).meta({ title: "k", description: "lowest degree listed" }),
    maxDegree: z
      .int()
      .min(0)
      .optional()
      .meta({ title: "k", description: "highest degree listed; default: all" }),
    sources: z.array(z.string()).readonly().default([]).meta({
      title: "names",
      description: "sources where paths start, such as embed.token or bias:*; default: all",
    }),
    positions: z.boolean().default(false).describe("split sources by position"),
    budget: z.number().min(0).default(16).meta({
      title: "passes",
      description:
        "search budget, in forward passes by operation count, if there are too many paths to enumerate",
    }),
    verify: z
      .int()
      .min(0)
      .default(0)
      .meta({ title: "n", description: "number of paths checked by intervention" }),
  }),
  examples: [
    'tales --prompt "When Mary and John went to the market, John gave a drink to" --target " Mary"," John"',
    "path/to/model --tokens 1,403,407 --level block --top 5 --verify 5 --json",
  ],
  float64: true,
  estimate: ({ model, vocabulary, precision }, params) =>
    pathsCost(model, vocabulary.encode(params.prompt), {
      ...optionsOf(params),
      ...chosen(targetOf(model, params.target, vocabulary)),
      precision,
    }),
  run: async ({ engine, model, vocabulary, signal, onProgress, inFloat64 }, params) => {
    const ids = vocabulary.encode(params.prompt);
    return await expandPaths(engine, model, ids, {
      ...optionsOf(params),
      ...chosen(targetOf(model, params.target, vocabulary)),
      text: vocabulary.text,
      signal,
      onProgress: (progress) => onProgress({ ...progress, of: "part" }),
      ...(inFloat64 !== undefined && {
        certify: (target) =>
          inFloat64((engine64, model64) => pathsError(engine64, model64, ids, target)),
      }),
    });
  },
  tables: (expansion) => [
    pathTable(expansion),
    degreeTable(expansion),
    directTable(expansion),
    ...routeTables(expansion),
  ],
  tableKinds: ["path", "path-degree", "direct"],
  answer: pathsAnswer,
  views: pathsViews,
});

function chosen(target: ExpandPathsOptions["target"] | undefined): ExpandPathsOptions {
  return target === undefined ? {} : { target };
}

function optionsOf(params: PathsParameters): ExpandPathsOptions {
  const { level, top, minDegree, maxDegree, sources, positions, budget, verify } = params;
  return {
    ...{ level, top, minDegree, budget, verify, byPosition: positions },
    ...(maxDegree !== undefined && { maxDegree }),
    ...(sources.length > 0 && { sources }),
  };
}

function pathTable(expansion: PathExpansion): Table {
  const { model, input, shown, readout, level, notShown, notShownCount, search, warnings } =
    expansion;
  const texts = input.tokens.map(({ text }) => text);
  const verified = shown.some((path) => path.verified !== null);
  const value = expansion.total + expansion.constant + expansion.otherSources;
  const parts = [
    `${readout} = ${short(value)}`,
    `${expansion.count} paths ${short(expansion.total)}`,
    `constant ${short(expansion.constant)}`,
    ...(expansion.otherSources === 0 ? [] : [`other sources ${short(expansion.otherSources)}`]),
  ];
  return {
    kind: "path",
    field: "shown",
    title: search.exhaustive
      ? `The largest paths by ${level}s, all gates frozen`
      : `Large paths by ${level}s, found by search, all gates frozen`,
    subtitle: inputLine(model, input.tokens),
    columns: [
      { name: "path", kind: "text" },
      { name: "source", kind: "text", detail: true },
      { name: "position", kind: "count", detail: true, refers: "pos" },
      { name: "nodes", kind: "text", detail: true, refers: "node" },
      { name: "degree", kind: "count" },
      { name: "effect", kind: "effect" },
      { name: "frozen", kind: "number", detail: !verified },
      { name: "live", kind: "number", detail: !verified },
      // Of the rest: how many paths there are in all.
      { name: "count", kind: "count", detail: true },
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: shown.map(({ source, position, nodes, degree, effect, verified: checked }) => [
      [sourceText({ name: source, position }, texts), ...nodes].join(" → "),
      ...[source, position, nodes.join(" "), degree, effect],
      ...[checked?.frozen ?? null, checked?.live ?? null, 1, warningCodes(warnings)],
    ]),
    rest: [
      ...[`${notShownCount} others`, null, null, null, null, notShown, null, null],
      ...[countCell(notShownCount), warningCodes(warnings)],
    ],
    notes: [
      parts.join("; "),
      ...(search.exhaustive ? ["every path was looked at: these are the largest"] : []),
      ...(verified ? [VERIFIED] : []),
      ...warningLines(warnings),
      certificateLine("|Σ paths − ⟨w, T⟩| / largest degree", expansion.certificate, {
        precision: expansion.precision,
      }),
    ],
  };
}

/** What the columns of verified paths are. */
const VERIFIED =
  "checked by taking the path away: frozen, with all gates at their values in this run; live, with every gate recomputed";

/** A decimal number as a number, where that has it exactly. */
function countCell(decimal: string): Cell {
  const count = Number(decimal);
  return Number.isSafeInteger(count) ? count : decimal;
}

function degreeTable({ byDegree }: PathExpansion): Table {
  return {
    kind: "path-degree",
    replaces: "byDegree", // where counts are decimal texts
    title: "By degree",
    columns: [
      { name: "degree", kind: "count" },
      { name: "count", head: "paths", kind: "count" },
      { name: "sum", kind: "effect" },
      { name: "absolute", head: "Σ|effect|", kind: "number" },
    ],
    rows: byDegree.map(({ degree, count, sum, absolute }) => [
      ...[degree, countCell(count), sum, absolute],
    ]),
  };
}

/** How many parts the table of direct attribution has. */
const PARTS_SHOWN = 10;

function directTable({ attribution, precision }: PathExpansion): Table {
  const { embed, blocks, heads, attnBias, constant } = attribution;
  // Heads and b_O stand for their blocks.
  const parts: [string, number][] = [
    ["embed", embed],
    ...Object.entries(blocks).filter(([block]) => !(block in attnBias)),
    ...Object.entries(heads),
    ...Object.entries(attnBias).map(([block, own]): [string, number] => [`bias:${block}.b_O`, own]),
    ["constant", constant],
  ];
  const sorted = parts.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const rest = sorted.slice(PARTS_SHOWN);
  return {
    kind: "direct",
    title: "Direct attribution: the parts of the run that write most of it themselves",
    columns: [
      { name: "part", kind: "text" },
      { name: "effect", kind: "effect" },
    ],
    rows: sorted,
    shown: PARTS_SHOWN,
    rounding: roundingOf(
      precision,
      parts.map(([, effect]) => effect),
    ),
    ...(rest.length > 0 && {
      footer: [[`${rest.length} others`, rest.reduce((sum, [, effect]) => sum + effect, 0)]],
    }),
  };
}
