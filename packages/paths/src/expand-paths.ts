import {
  type Kept,
  namedTarget,
  pause,
  type TokenName,
  type Vocabulary,
} from "@resolvent/analysis";
import { type Engine, type Shaped, using } from "@resolvent/tensor";
import { levelOf, type Model, type Target, tokenIds } from "@resolvent/transformer";
import type { ExpandPathsOptions } from "./expand-paths-options.ts";
import { findPaths } from "./find-paths.ts";
import { frozenRun } from "./frozen-run.ts";
import { namedPath } from "./named-path.ts";
import { agreementOf } from "./path-agreement.ts";
import { readoutOf, scoreEnd, targetEnd } from "./path-end.ts";
import type { CheckedPath, PathExpansion, ShownPath, ShownVerdict } from "./path-expansion.ts";
import { totalError } from "./path-sums.ts";
import { pathText, routeText } from "./path-text.ts";
import type { HeadScore } from "./score-readout.ts";
import type { PathClaim } from "./taken-path.ts";

/** Keeps nothing. */
const NOWHERE: Kept = { once: async (_, make) => await make() };

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
  const { text = String, signal, verify = 0 } = options;
  const level = levelOf(options.level ?? "head");
  const { score } = options;
  const run = frozenRun(engine, model, tokenIds(tokens));
  try {
    const end =
      score === undefined
        ? await targetEnd(engine, model, run, { target: options.target, level, text })
        : await scoreEnd(engine, model, run, score, { level });
    const { readout } = end;
    try {
      const texts = tokens.map(text);
      // What is named wrongly is told before the work.
      const named = (options.check ?? []).map((name) =>
        namedPath(model, name, { level, readout: readout.name, texts }),
      );
      const { kept = NOWHERE } = typeof options.level === "object" ? {} : options;
      const question = { tokens, texts, level: level.name, what: end.what };
      const found = await kept.once(foundKey(question, options), () =>
        findPaths(engine, model, run, end, tokens, { ...options, level, text }),
      );
      const verdictOf = async (claim: PathClaim): Promise<ShownVerdict> =>
        await kept.once(JSON.stringify({ ...question, claim }), () => end.verdict(claim));
      const checked: CheckedPath[] = [];
      for (const [done, claim] of named.entries()) {
        options.onProgress?.({ done, total: named.length });
        await pause(signal);
        checked.push(checkedPath(claim, await verdictOf(claim), readout.name, texts));
      }
      const known = new Map(
        checked.flatMap((own) =>
          own.positions === null ? [[own.text, own.verified] as const] : [],
        ),
      );
      const shown: ShownPath[] = [];
      for (const [i, path] of found.shown.entries()) {
        signal?.throwIfAborted();
        const source = { name: path.source, position: path.position };
        const verified =
          known.get(path.text) ??
          (i < verify ? await verdictOf({ kind: "path", source, nodes: path.nodes }) : null);
        shown.push({ ...path, verified });
      }
      const { notShown, search, agreement: _, attribution, ...head } = found;
      return {
        ...head,
        shown,
        ...(named.length > 0 && { checked }),
        ...{ notShown, search, agreement: agreementOf(shown, checked), attribution },
      };
    } finally {
      engine.free(readout);
    }
  } finally {
    engine.free(run);
  }
}

/** What is found depends on these, and on no check. */
function foundKey(question: object, options: ExpandPathsOptions): string {
  const { top, minDegree, maxDegree, sources, byPosition, budget, routes, certify } = options;
  const listed = { top, minDegree, maxDegree, sources, byPosition, budget, routes };
  return JSON.stringify({ ...question, ...listed, certified: certify !== undefined });
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
