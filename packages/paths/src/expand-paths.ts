import {
  type Agreement,
  agreement,
  namedTarget,
  type PromptResult,
  promptResult,
  short,
  type TokenFacts,
  type TokenName,
  type Vocabulary,
  type Warning,
} from "@resolvent/analysis";
import { GATES, type Gate } from "@resolvent/expansion";
import type { Engine, Shaped } from "@resolvent/tensor";
import { using } from "@resolvent/tensor";
import {
  levelOf,
  likeliestTarget,
  type Model,
  plainSites,
  type Target,
  tokenIds,
  uncappedLogits,
} from "@resolvent/transformer";
import { type Answer, answersOf } from "./answer.ts";
import { type DirectAttribution, directAttribution } from "./attribution.ts";
import { type FrozenRun, frozenRun } from "./frozen-run.ts";
import type { PathEffect } from "./largest.ts";
import { totalError } from "./path-sums.ts";
import { pathText, routeText } from "./path-text.ts";
import { logitReadout } from "./readout.ts";
import { type Route, type Routes, routesOf } from "./routes.ts";
import { type TopPaths, type TopPathsOptions, topPaths } from "./top-paths.ts";
import { type Verdict, verify } from "./verify.ts";

/** A path as a result has it. */
export interface ShownPath {
  /** `embed`, `embed.token`, `bias:L0.mlp`, `bias:L0.H3`, `bias:L0.attn.b_O` */
  readonly source: string;
  /** The position of the source; null for all of its positions together. */
  readonly position: number | null;
  /** `L0.H3`, `L1.mlp`: from the source to the target. */
  readonly nodes: readonly string[];
  /** How many nodes it has, one more where its source is a bias. */
  readonly degree: number;
  /** What it contributes to the target on the frozen model. */
  readonly effect: number;
  /** How it reads: `embed " Mary"@3 → L2.H1 → logit " Mary" − " John"`. */
  readonly text: string;
  /** The check by intervention; null where it was not asked for. */
  readonly verified: ShownVerdict | null;
  /** The largest routes by |effect|, the largest first; null where they were not asked for. */
  readonly routes: readonly ShownRoute[] | null;
  /** `effect − Σ routes`: the exact sum of all other routes; null as above. */
  readonly routesNotShown: number | null;
  /** How many routes the masks of its attention blocks allow, a decimal number; null as above. */
  readonly routesCount: string | null;
  /** Whether every route was made, so that none that is not shown is larger than the last shown; null as above. */
  readonly routesExhaustive: boolean | null;
}

/** A path with the position of every hop, as a result has it. */
export interface ShownRoute extends Route {
  /** How it reads: `embed " Mary"@3 → L2.H1@12 → logit " Mary" − " John"`. */
  readonly text: string;
}

/** What a model says, as a result has it. */
export interface ShownAnswer {
  /** The value of the target. */
  readonly target: number;
  /** The likeliest next token. */
  readonly likeliest: TokenFacts & { readonly probability: number };
}

/** A verdict as a result has it. */
export interface ShownVerdict extends Omit<Verdict, "without"> {
  readonly without: { readonly frozen: ShownAnswer; readonly live: ShownAnswer };
}

/** A target as a sum of paths: plain data, the same object in API, JSON and app. */
export interface PathExpansion extends PromptResult<"paths"> {
  /** Token ids of the logit difference; `b` is null for a logit alone. */
  readonly target: Target;
  /** `logit " Mary" − " John"` */
  readonly readout: string;
  /** What the model says in the run, all paths there. */
  readonly answer: ShownAnswer;
  /** What paths go through: `block`, `head`, `neuron`, or the name of another level. */
  readonly level: string;
  /** All gates, and the final norm's σ, are held at the run's values. */
  readonly freeze: readonly Gate[];
  /** How many paths there are, a decimal number. */
  readonly count: string;
  /** The sum of all of them. With `constant` and `otherSources` it is the value of the target. */
  readonly total: number;
  /** `β (W_U[:,a] − W_U[:,b]) + b_U[a] − b_U[b]`, which belongs to no path. */
  readonly constant: number;
  /** The sum of the paths from sources that were not chosen; 0 where all are. */
  readonly otherSources: number;
  readonly byDegree: readonly {
    readonly degree: number;
    /** A decimal number. */
    readonly count: string;
    readonly sum: number;
    /** `Σ |effect|`; null where not every path was made. */
    readonly absolute: number | null;
  }[];
  /** The largest paths by |effect|, the largest first. */
  readonly shown: readonly ShownPath[];
  /** `total − Σ shown`: the exact sum of all other paths. */
  readonly notShown: number;
  /** How many these are, a decimal number. */
  readonly notShownCount: string;
  readonly search: {
    /** Whether every path was looked at, so that none that is not shown is larger than the last shown. */
    readonly exhaustive: boolean;
    /** Ends of paths that were looked at. */
    readonly expanded: number;
    /** Forward passes that a search took, by floating-point operations; null where all paths were made. */
    readonly passes: number | null;
    /** The largest promise `Σ_k |sum of degree k|` of a bundle of paths that was not looked at; null for none. */
    readonly pending: number | null;
  };
  /** How what freezing says compares with the model itself, over the paths that were verified; null where none was. */
  readonly agreement: Agreement | null;
  readonly attribution: DirectAttribution;
  readonly certificate: {
    /** `|Σ paths of all sources − ⟨w, T⟩|`, relative to the largest sum of a degree, in the precision used. */
    readonly relativeError: number;
    /** The same with everything recomputed in float64; null where that was not asked for. */
    readonly relativeErrorFloat64: number | null;
    /** `|Σ path by path − total|`, likewise; null where not every path was made. */
    readonly enumeratedError: number | null;
  };
  readonly warnings: readonly Warning[];
}

export interface ExpandPathsOptions extends TopPathsOptions {
  /** The target; default the two likeliest tokens at the last position. */
  readonly target?: Target;
  /** How many of the paths shown, from the largest, are checked by intervention; default 0. */
  readonly verify?: number;
  /** How many routes of each path shown are listed; default 0. */
  readonly routes?: number;
  /** The text of a token; default its id. */
  readonly text?: (id: number) => string;
  /** Computes `relativeErrorFloat64`; not called where the engine is float64 itself; default none. */
  readonly certify?: (target: Target) => Promise<number>;
}

/**
 * Writes a logit difference as a sum of paths through the frozen run, and lists the largest.
 *
 * ```ts
 * const paths = await expandPaths(cpu, model, ids, { top: 5, verify: 2, text: tokenizer.token });
 * paths.shown[0].text;     // embed → L2.H1 → L3.H0 → logit " Mary" − " John"
 * paths.notShown;          // the exact sum of the other 1889563
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
  const run = frozenRun(engine, model, tokenIds(tokens));
  try {
    const said = engine.scope(() => lastLogits(engine, model, run));
    let target: Target;
    let answer: ShownAnswer;
    const inWords = shownAnswer(text);
    try {
      target = options.target ?? (await likeliestTarget(engine, said));
      const [found] = await answersOf(engine, model, [said], target);
      answer = inWords(found as Answer); // of one
    } finally {
      engine.free(said);
    }
    const readout = engine.scope(() => logitReadout(engine, model, run, target, text));
    try {
      const found = await topPaths(engine, model, run, readout, { ...options, level });
      const texts = tokens.map(text);
      const { routes: many = 0 } = options;
      const shown: ShownPath[] = [];
      for (const [i, { source, nodes, degree, effect }] of found.shown.entries()) {
        signal?.throwIfAborted();
        const verdict =
          i < (options.verify ?? 0)
            ? await verify(engine, model, run, target, { kind: "path", source, nodes }, level)
            : null;
        const verified = verdict && shownVerdict(verdict, inWords);
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
          ...shownRoutes(own, routes, readout.name, texts),
        };
        const words = pathText({ source, nodes }, readout.name, texts);
        shown.push({ source: source.name, position: source.position, ...path, text: words });
      }
      const attribution = await directAttribution(engine, model, run, readout);
      const float64 =
        engine.precision === "f64"
          ? found.relativeError
          : ((await options.certify?.(target)) ?? null);
      return {
        ...promptResult("paths", engine, model, tokens, text),
        target,
        readout: readout.name,
        answer,
        level: level.name,
        freeze: GATES,
        count: String(found.count),
        total: found.total,
        constant: found.constant,
        otherSources: found.otherSources,
        byDegree: found.byDegree.map((one) => ({ ...one, count: String(one.count) })),
        shown,
        notShown: found.notShown,
        notShownCount: String(found.count - BigInt(shown.length)),
        search: {
          exhaustive: found.exhaustive,
          expanded: found.expanded,
          passes: found.passes,
          pending: found.pending,
        },
        agreement: agreementOf(shown),
        attribution,
        certificate: {
          relativeError: found.relativeError,
          relativeErrorFloat64: float64,
          enumeratedError: found.enumeratedError,
        },
        warnings: found.exhaustive ? [] : [foundBySearch(found)],
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
  target: Target,
): Promise<number> {
  const run = frozenRun(engine, model, tokenIds(tokens));
  try {
    return await using(
      engine,
      () => logitReadout(engine, model, run, target),
      (readout) => totalError(engine, model, run, readout),
    );
  } finally {
    engine.free(run);
  }
}

/** The logits of the run at its last position, uncapped: `pos, vocab`. */
function lastLogits<T extends Shaped>(engine: Engine<T>, model: Model<T>, run: FrozenRun<T>): T {
  const last = engine.slice(run.residual, "pos", run.positions - 1, run.positions);
  return uncappedLogits(engine, model, last, plainSites());
}

function shownAnswer(text: (id: number) => string): (answer: Answer) => ShownAnswer {
  return ({ target, token, probability }) => ({
    target,
    likeliest: { id: token, text: text(token), probability },
  });
}

function shownVerdict(
  { without, ...numbers }: Verdict,
  inWords: (answer: Answer) => ShownAnswer,
): ShownVerdict {
  return {
    ...numbers,
    without: { frozen: inWords(without.frozen), live: inWords(without.live) },
  };
}

function shownRoutes(
  path: Pick<PathEffect, "source" | "nodes">,
  routes: Routes | null,
  readout: string,
  texts: readonly string[],
): Pick<ShownPath, "routes" | "routesNotShown" | "routesCount" | "routesExhaustive"> {
  return {
    routes:
      routes?.shown.map((route) => ({
        ...route,
        text: routeText(path, route.positions, readout, texts),
      })) ?? null,
    routesNotShown: routes?.notShown ?? null,
    routesCount: routes === null ? null : String(routes.count),
    routesExhaustive: routes?.exhaustive ?? null,
  };
}

/** Frozen effects against live ones, of the paths that were verified. */
function agreementOf(shown: readonly ShownPath[]): Agreement | null {
  const checked = shown.flatMap(({ verified }) => verified ?? []);
  if (checked.length === 0) return null;
  return agreement(
    checked.map(({ frozen }) => frozen),
    checked.map(({ live }) => live),
  );
}

/** The target that tokens make; undefined for the default. */
export function targetOf<T extends Shaped>(
  model: Model<T>,
  names: readonly TokenName[] | undefined,
  vocabulary: Pick<Vocabulary, "tokenId">,
): Target | undefined {
  return names === undefined ? undefined : namedTarget(model, names, vocabulary);
}
