import {
  type Agreement,
  type Certificate,
  certificateFor,
  type NotShown,
  namedTarget,
  type PromptResult,
  promptResult,
  short,
  type TargetFacts,
  type TokenName,
  type TopToken,
  targetFacts,
  type Vocabulary,
  type Warning,
} from "@resolvent/analysis";
import { GATES } from "@resolvent/expansion";
import type { Engine, Ops, Shaped } from "@resolvent/tensor";
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
import { namedPath } from "./named-path.ts";
import { agreementOf } from "./path-agreement.ts";
import { totalError } from "./path-sums.ts";
import { pathText, routeText } from "./path-text.ts";
import { logitReadout, type Readout } from "./readout.ts";
import { type Route, type Routes, routesOf } from "./routes.ts";
import {
  type HeadScore,
  type ScoreVerdict,
  scoreOf,
  scoreReadout,
  verifyScore,
} from "./score-readout.ts";
import type { PathClaim } from "./taken-path.ts";
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
  /** Its largest routes; null where they were not asked for. */
  readonly routes: ShownRoutes | null;
}

/** The routes of a path as a result has them. */
export interface ShownRoutes {
  /** How many routes the masks of its attention blocks allow, a decimal number. */
  readonly count: string;
  /** The largest by |effect|, the largest first. */
  readonly shown: readonly ShownRoute[];
  /** All other routes: what `shown` leaves of the path's effect. */
  readonly notShown: NotShown;
  /** Whether every route was made, so that none that is not shown is larger than the last shown. */
  readonly exhaustive: boolean;
}

/** A path with the position of every hop, as a result has it. */
export interface ShownRoute extends Route {
  /** How it reads: `embed " Mary"@3 → L2.H1@12 → logit " Mary" − " John"`. */
  readonly text: string;
}

/** A path, or a single route of one, that was named to be checked, with what came of it. */
export interface CheckedPath
  extends Pick<ShownPath, "source" | "position" | "nodes" | "degree" | "text"> {
  /** Of a route the position at which each node writes; null for the whole path. */
  readonly positions: readonly number[] | null;
  readonly verified: ShownVerdict;
}

/** The score of a head that paths end in, as a result has it. */
export interface ShownScore extends HeadScore {
  /** How much the head attends from its query to its key. */
  readonly probability: number;
}

/** What a model says, as a result has it. */
export interface ShownAnswer {
  /** Of the target. */
  readonly value: number;
  /** The likeliest next tokens: the first; none where the target is the score of a head. */
  readonly top: readonly TopToken[];
}

/** A verdict as a result has it. */
export interface ShownVerdict extends Omit<Verdict, "without"> {
  readonly without: { readonly frozen: ShownAnswer; readonly live: ShownAnswer };
}

/**
 * A target as a sum of paths: plain data, the same object in API, JSON and app. All gates, and the final norm's σ, are
 * held at the run's values.
 */
export interface PathExpansion extends PromptResult<"paths"> {
  /** What is taken apart, and its value in the run: `total + constant + otherSources`, but for rounding. */
  readonly target: TargetFacts;
  /** What the model says in the run, all paths there. */
  readonly answer: ShownAnswer;
  /** The score of a head, where that is what is taken apart in place of logits; else absent. */
  readonly score?: ShownScore;
  /** What paths go through: `block`, `head`, `neuron`, or the name of another level. */
  readonly level: string;
  /** How many paths there are, a decimal number. */
  readonly count: string;
  /**
   * How many routes they are the sum of, each with a position for its source and for every node, as the masks of
   * attention allow: a decimal number that does not depend on whether sources are split by position.
   */
  readonly routeCount: string;
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
    /** How many routes these are the sum of, a decimal number. */
    readonly routes: string;
    readonly sum: number;
    /** `Σ |effect|`; null where not every path was made. */
    readonly absolute: number | null;
  }[];
  /** The largest paths by |effect|, the largest first. */
  readonly shown: readonly ShownPath[];
  /** The paths that were named to be checked, in their order, shown or not; absent where none was. */
  readonly checked?: readonly CheckedPath[];
  /** All other paths: `total − Σ shown`, exactly. */
  readonly notShown: NotShown;
  readonly search: {
    /** Whether every path was looked at, so that none that is not shown is larger than the last shown. */
    readonly exhaustive: boolean;
    /** Ends of paths that were looked at. */
    readonly expanded: number;
    /** Forward passes that a search took, by floating-point operations; null where all paths were made. */
    readonly passes: number | null;
    /** The largest promise `Σ_k |sum of degree k|` of a bundle of paths that was not looked at; null for none. */
    readonly pending: number | null;
    /** Of `|Σ path by path − total|`, relative to the largest sum of a degree; null where not every path was made. */
    readonly certificate: Certificate | null;
  };
  /** How what freezing says compares with the model itself, over the paths that were verified; null where none was. */
  readonly agreement: Agreement | null;
  readonly attribution: DirectAttribution;
  /** Of `|Σ paths of all sources − ⟨w, T⟩|`, relative to the largest sum of a degree. */
  readonly certificate: Certificate;
}

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
    const { target, answer } =
      score === undefined
        ? await saidOf(engine, model, run, { target: options.target, text })
        : await scoredOf(engine, model, run, score);
    const readout = engine.scope(() => readoutOf(engine, model, run, score ?? target, text));
    const verdictOn = async (claim: PathClaim): Promise<ShownVerdict> =>
      score === undefined
        ? shownVerdict(await verify(engine, model, run, target, claim, { level }), text)
        : scoreVerdict(await verifyScore(engine, model, run, score, claim, { level }));
    try {
      const texts = tokens.map(text);
      // What is named wrongly is told before the work.
      const named = (options.check ?? []).map((name) =>
        namedPath(model, name, { level, readout: readout.name, texts }),
      );
      const found = await topPaths(engine, model, run, readout, { ...options, level });
      const checked: CheckedPath[] = [];
      for (const claim of named) {
        signal?.throwIfAborted();
        checked.push(checkedPath(claim, await verdictOn(claim), readout.name, texts));
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
          (i < (options.verify ?? 0) ? await verdictOn({ kind: "path", source, nodes }) : null);
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
      const float64 =
        precision === "f64" ? null : ((await options.certify?.(score ?? target)) ?? null);
      return {
        ...promptResult("paths", engine, model, tokens, {
          ...{ text, freeze: GATES },
          warnings: found.exhaustive ? [] : [foundBySearch(found)],
        }),
        certificate: certificateFor(precision, found.relativeError, { float64 }),
        target:
          score === undefined
            ? targetFacts(target, answer.value, text)
            : { readout: readout.name, a: null, b: null, value: answer.value },
        answer: { value: answer.value, top: answer.top },
        ...(answer.score !== undefined && { score: answer.score }),
        level: level.name,
        count: String(found.count),
        total: found.total,
        constant: found.constant,
        otherSources: found.otherSources,
        routeCount: String(found.byDegree.reduce((sum, { routes }) => sum + routes, 0n)),
        byDegree: found.byDegree.map((one) => ({
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

/** What is taken apart, and what the model says of it. */
interface Said {
  readonly target: Target;
  readonly answer: ShownAnswer & { readonly score?: ShownScore };
}

/** What a model says of a target, or of the two likeliest tokens. */
async function saidOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  { target: asked, text }: { target: Target | undefined; text: (id: number) => string },
): Promise<Said> {
  const said = engine.scope(() => lastLogits(engine, model, run));
  try {
    const target = asked ?? (await likeliestTarget(engine, said));
    const [found] = await answersOf(engine, model, [said], target);
    return { target, answer: shownAnswer(text)(found as Answer) }; // of one
  } finally {
    engine.free(said);
  }
}

/** What a run says of the score of a head. */
async function scoredOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
): Promise<Said> {
  const { value, probability } = await scoreOf(engine, model, run, score);
  return {
    target: { a: 0, b: null },
    answer: { value, top: [], score: { ...score, probability } },
  };
}

/** What paths end in: logits, or the score of a head. */
export function readoutOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  what: Target | HeadScore,
  text?: (id: number) => string,
): Readout<T> {
  return "layer" in what
    ? scoreReadout(ops, model, run, what)
    : logitReadout(ops, model, run, what, text);
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

/** The logits of the run at its last position, uncapped: `pos, vocab`. */
function lastLogits<T extends Shaped>(engine: Engine<T>, model: Model<T>, run: FrozenRun<T>): T {
  const last = engine.slice(run.residual, "pos", run.positions - 1, run.positions);
  return uncappedLogits(engine, model, last, plainSites());
}

function shownAnswer(text: (id: number) => string): (answer: Answer) => ShownAnswer {
  return ({ target, token, logit, probability }) => ({
    value: target,
    top: [{ id: token, text: text(token), logit, probability }],
  });
}

/** A verdict as results have it, tokens with their texts. */
export function shownVerdict(
  { without, ...numbers }: Verdict,
  text: (id: number) => string,
): ShownVerdict {
  const inWords = shownAnswer(text);
  return {
    ...numbers,
    without: { frozen: inWords(without.frozen), live: inWords(without.live) },
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

function scoreVerdict({ without, ...numbers }: ScoreVerdict): ShownVerdict {
  const { frozen, live } = without;
  return {
    ...numbers,
    without: { frozen: { value: frozen, top: [] }, live: { value: live, top: [] } },
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
