import { certificateFor, promptResult, short, type Warning } from "@resolvent/analysis";
import { GATES } from "@resolvent/expansion";
import type { Engine, Shaped } from "@resolvent/tensor";
import type { Level, Model } from "@resolvent/transformer";
import { directAttribution } from "./attribution.ts";
import type { ExpandPathsOptions } from "./expand-paths-options.ts";
import type { FrozenRun } from "./frozen-run.ts";
import type { PathEffect } from "./largest.ts";
import type { PathEnd } from "./path-end.ts";
import type { PathExpansion, ShownPath, ShownRoutes } from "./path-expansion.ts";
import { pathText, routeText } from "./path-text.ts";
import { type Routes, routesOf } from "./routes.ts";
import { type TopPaths, type TopPathsOptions, topPaths } from "./top-paths.ts";

export interface FindPathsOptions
  extends TopPathsOptions,
    Pick<ExpandPathsOptions, "routes" | "certify"> {
  readonly level: Level;
  readonly text: (id: number) => string;
}

/** A run as a sum of paths, before any of them is checked. */
export async function findPaths<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  end: PathEnd<T>,
  tokens: readonly number[],
  options: FindPathsOptions,
): Promise<PathExpansion> {
  const { level, text, signal, routes: many = 0 } = options;
  const { readout, answer } = end;
  const texts = tokens.map(text);
  const found = await topPaths(engine, model, run, readout, options);
  const shown: ShownPath[] = [];
  for (const { source, nodes, degree, effect } of found.shown) {
    signal?.throwIfAborted();
    const own = { source, nodes, effect };
    const routes =
      many > 0
        ? await routesOf(engine, model, run, readout, own, { level, routes: many, signal })
        : null;
    shown.push({
      ...{ source: source.name, position: source.position, nodes, degree, effect },
      verified: null,
      routes: routes && shownRoutes(own, routes, readout.name, texts),
      text: pathText({ source, nodes }, readout.name, texts),
    });
  }
  const attribution = await directAttribution(engine, model, run, readout);
  const { precision } = engine;
  const float64 = precision === "f64" ? null : ((await options.certify?.(end.what)) ?? null);
  return {
    ...promptResult("paths", engine, model, tokens, {
      ...{ text, freeze: GATES },
      warnings: found.exhaustive ? [] : [foundBySearch(found)],
    }),
    certificate: certificateFor(precision, found.relativeError, { float64 }),
    target: end.facts,
    answer,
    ...(end.score !== undefined && { score: end.score }),
    level: level.name,
    count: String(found.count),
    total: found.total,
    constant: found.constant,
    otherSources: found.otherSources,
    routeCount: String(found.byDegree.reduce((sum, { routes }) => sum + routes, 0n)),
    byDegree: found.byDegree.slice(0, end.most + 1).map((one) => ({
      ...one,
      count: String(one.count),
      routes: String(one.routes),
    })),
    shown,
    notShown: {
      count: String(found.count - BigInt(shown.length)),
      sum: found.notShown,
    },
    search: {
      exhaustive: found.exhaustive,
      expanded: found.expanded,
      passes: found.passes,
      pending: found.pending,
      certificate:
        found.enumeratedError === null ? null : certificateFor(precision, found.enumeratedError),
    },
    agreement: null,
    attribution,
  };
}

function foundBySearch({ expanded, pending }: Pick<TopPaths, "expanded" | "pending">): Warning {
  const left = pending === null ? "" : `, none left promises more than ${short(pending)} by degree`;
  return {
    code: "not-exhaustive",
    message: `These paths were found by search and are not shown to be the largest: ${expanded} ends of paths were looked at${left}.`,
  };
}

function shownRoutes(
  path: Pick<PathEffect, "source" | "nodes">,
  { shown, count, notShown, exhaustive }: Routes,
  readout: string,
  texts: readonly string[],
): ShownRoutes {
  return {
    count: String(count),
    shown: shown.map((route) => ({
      ...route,
      text: routeText(path, route.positions, readout, texts),
    })),
    notShown: { count: String(count - BigInt(shown.length)), sum: notShown },
    exhaustive,
  };
}
