import {
  certificateFor,
  namedTarget,
  pause,
  promptResult,
  short,
  type TokenName,
  type Vocabulary,
  type Warning,
} from "@resolvent/analysis";
import { GATES } from "@resolvent/expansion";
import { type Engine, type Shaped, using } from "@resolvent/tensor";
import { levelOf, type Model, type Target, tokenIds } from "@resolvent/transformer";
import { directAttribution } from "./attribution.ts";
import { frozenRun } from "./frozen-run.ts";
import type { PathEffect } from "./largest.ts";
import { namedPath } from "./named-path.ts";
import { agreementOf } from "./path-agreement.ts";
import { readoutOf, scoreEnd, targetEnd } from "./path-end.ts";
import type {
  CheckedPath,
  PathExpansion,
  ShownPath,
  ShownRoutes,
  ShownVerdict,
} from "./path-expansion.ts";
import { totalError } from "./path-sums.ts";
import { pathText, routeText } from "./path-text.ts";
import { type Routes, routesOf } from "./routes.ts";
import type { HeadScore } from "./score-readout.ts";
import type { PathClaim } from "./taken-path.ts";
import { type TopPaths, type TopPathsOptions, topPaths } from "./top-paths.ts";

export interface ExpandPathsOptions extends TopPathsOptions {
  /** The target; default the two likeliest tokens at the last position. */
  readonly target?: Target;
  /** The score of a head in place of a target: why it looks where it looks. */
  readonly score?: HeadScore;
  /** How many of the paths shown, from the largest, are checked by intervention; default 0. */
  readonly verify?: number;
  /** Names of further paths that are checked, shown or not, as `namedPath` reads them; default none. */
  readonly check?: readonly string[];
  /** How many routes of each path shown are listed; default 0. */
  readonly routes?: number;
  /** The text of a token; default its id. */
  readonly text?: (id: number) => string;
  /** Computes `relativeErrorFloat64`; not called where the engine is float64 itself; default none. */
  readonly certify?: (target: Target | HeadScore) => Promise<number>;
}

/**
 * Writes a logit difference as a sum of paths through the frozen run, and lists the largest.
 *
 * ```ts
 * const paths = await expandPaths(cpu, model, ids, { top: 5, verify: 2, text: tokenizer.token });
 * paths.shown[0].text;     // embed → L2.H1 → L3.H0 → logit " Mary" − " John"
 * paths.notShown.sum;      // the exact sum of the other 1889563
 * ```
 *
 * @throws InputError what `topPaths` throws, `analysis/bad-target`; the signal's reason where it is aborted
 */
export async function expandPaths<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: ExpandPathsOptions = {},
): Promise<PathExpansion> {
  const { text = String, signal } = options;
  const level = levelOf(options.level ?? "head");
  const { score } = options;
  const run = frozenRun(engine, model, tokenIds(tokens));
  try {
    const end =
      score === undefined
        ? await targetEnd(engine, model, run, { target: options.target, level, text })
        : await scoreEnd(engine, model, run, score, { level });
    const { readout, answer } = end;
    try {
      const texts = tokens.map(text);
      // What is named wrongly is told before the work.
      const named = (options.check ?? []).map((name) =>
        namedPath(model, name, { level, readout: readout.name, texts }),
      );
      const found = await topPaths(engine, model, run, readout, { ...options, level });
      const checked: CheckedPath[] = [];
      for (const [done, claim] of named.entries()) {
        options.onProgress?.({ done, total: named.length });
        await pause(signal);
        checked.push(checkedPath(claim, await end.verdict(claim), readout.name, texts));
      }
      const known = new Map(
        checked.flatMap((own) =>
          own.positions === null ? [[own.text, own.verified] as const] : [],
        ),
      );
      const { routes: many = 0 } = options;
      const shown: ShownPath[] = [];
      for (const [i, { source, nodes, degree, effect }] of found.shown.entries()) {
        signal?.throwIfAborted();
        const words = pathText({ source, nodes }, readout.name, texts);
        const verified =
          known.get(words) ??
          (i < (options.verify ?? 0) ? await end.verdict({ kind: "path", source, nodes }) : null);
        const own = { source, nodes, effect };
        const routes =
          many > 0
            ? await routesOf(engine, model, run, readout, own, { level, routes: many, signal })
            : null;
        const path = {
          nodes,
          degree,
          effect,
          verified,
          routes: routes && shownRoutes(own, routes, readout.name, texts),
        };
        shown.push({ source: source.name, position: source.position, ...path, text: words });
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
        ...(named.length > 0 && { checked }),
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
            found.enumeratedError === null
              ? null
              : certificateFor(precision, found.enumeratedError),
        },
        agreement: agreementOf(shown, checked),
        attribution,
      };
    } finally {
      engine.free(readout);
    }
  } finally {
    engine.free(run);
  }
}

function foundBySearch({ expanded, pending }: Pick<TopPaths, "expanded" | "pending">): Warning {
  const left = pending === null ? "" : `, none left promises more than ${short(pending)} by degree`;
  return {
    code: "not-exhaustive",
    message: `These paths were found by search and are not shown to be the largest: ${expanded} ends of paths were looked at${left}.`,
  };
}

/** The certificate of an expansion into paths, without the paths. */
export async function pathsError<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  target: Target | HeadScore,
): Promise<number> {
  const run = frozenRun(engine, model, tokenIds(tokens));
  try {
    return await using(
      engine,
      () => readoutOf(engine, model, run, target),
      (readout) => totalError(engine, model, run, readout),
    );
  } finally {
    engine.free(run);
  }
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

function checkedPath(
  { source, nodes, positions }: PathClaim,
  verified: ShownVerdict,
  readout: string,
  texts: readonly string[],
): CheckedPath {
  return {
    ...{ source: source.name, position: source.position, nodes, positions: positions ?? null },
    degree: nodes.length + (source.name.startsWith("bias:") ? 1 : 0),
    text:
      positions === undefined
        ? pathText({ source, nodes }, readout, texts)
        : routeText({ source, nodes }, [source.position ?? 0, ...positions], readout, texts), // a route's source has one
    verified,
  };
}

/** The target that tokens make; undefined for the default. */
export function targetOf<T extends Shaped>(
  model: Model<T>,
  names: readonly TokenName[] | undefined,
  vocabulary: Pick<Vocabulary, "tokenId">,
): Target | undefined {
  return names === undefined ? undefined : namedTarget(model, names, vocabulary);
}
