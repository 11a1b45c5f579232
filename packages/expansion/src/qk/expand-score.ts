import {
  type Certificate,
  certificateFor,
  type HeadFacts,
  headFacts,
  type PromptResult,
  promptResult,
  type Remainder,
} from "@resolvent/analysis";
import { type Engine, inOrder, readTogether, type Shaped, using } from "@resolvent/tensor";
import type { Level, Model } from "@resolvent/transformer";
import { GATES } from "../gates.ts";
import type { AttentionEdge } from "./choose-edge.ts";
import type { Splitting, StreamParts } from "./score-sources.ts";
import { divides, type SplittingPair, scoreTerms, splittings } from "./score-terms.ts";

/**
 * A head's score between two positions as a sum over pairs of sources: plain data. Frozen are the denominators of the
 * head's own norms, and, by degree or by token, all gates of the blocks before.
 */
export interface ScoreExpansion extends PromptResult<"qk"> {
  readonly head: HeadFacts;
  /** Position that looks. */
  readonly query: number;
  /** Position that is looked at. */
  readonly key: number;
  /** How each side is divided: `block`, `head`, …, or the name of a level. */
  readonly by: { readonly query: string; readonly key: string };
  /** The attention probability of the run. */
  readonly pattern: number;
  /** The run's score before the softmax: scaled, rotation included. */
  readonly score: number;
  /** The run's score minus its mean over all keys that the query sees, which is what the softmax goes by. */
  readonly centredScore: number;
  /** The rows of the matrices; the last is `constant`. */
  readonly querySources: readonly string[];
  /** The columns of the matrices; the last is `constant`. */
  readonly keySources: readonly string[];
  /** What each pair of sources contributes to `score`. */
  readonly matrix: readonly (readonly number[])[];
  /** What each pair contributes to `centredScore`. */
  readonly matrixKeyCentred: readonly (readonly number[])[];
  /** No pair is left out. */
  readonly remainder: Remainder;
  /**
   * That the pairs of sources add up to the scores that the run itself computed: of `|Σ matrix − score|` relative to the
   * largest of |score| and the entries, or the same of the centred ones where that is larger.
   */
  readonly certificate: Certificate;
}

/** Which score is taken apart, and how. */
export interface ScoreChoice<T = never> extends AttentionEdge {
  /** How both sides, or each side, are divided into sources; default `block`. */
  readonly by?: Splitting | Level | StreamParts<T> | SplittingPair<T>;
}

export interface ExpandScoreOptions<T = never> extends ScoreChoice<T> {
  /** The text of a token, for the result; default none. */
  readonly text?: (id: number) => string;
  /**
   * Computes the certificate's `relativeErrorFloat64`; not called where the engine is float64 itself; default
   * none. With the same model on a float64 engine: `(c) => scoreBalance(reference, model64, tokens, c)`.
   */
  readonly certify?: (choice: ScoreChoice<T>) => Promise<number>;
}

/**
 * The score of a head before the softmax, from one position to another, as an exact sum over pairs of a
 * query-side and a key-side source; see `scoreTerms`.
 *
 * ```ts
 * const score = await expandScore(cpu, model, ids, {
 *   head: { layer: 1, head: 2 }, query: 42, key: 15, by: { query: "token", key: "head" },
 * });
 * score.matrixKeyCentred[0][3]; // what querySources[0] and keySources[3] contribute
 * ```
 *
 * @throws InputError what `scoreTerms` throws
 */
export async function expandScore<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: ExpandScoreOptions<T>,
): Promise<ScoreExpansion> {
  const { text, certify, ...choice } = options;
  const { head, query, key, by } = choice;
  const pair = splittings(by);
  const found = await readScore(engine, model, tokens, choice);
  const relativeError = errorOf(found);
  const float64 = engine.precision === "f64" ? null : ((await certify?.(choice)) ?? null);
  const carried = [pair.query, pair.key].some((side) => side !== "block" && !divides(side));
  const nameOf = (side: typeof pair.query): string => (typeof side === "string" ? side : side.name);
  return {
    ...promptResult("qk", engine, model, tokens, { text, freeze: carried ? GATES : ["norm"] }),
    head: headFacts(head),
    query,
    key,
    by: { query: nameOf(pair.query), key: nameOf(pair.key) },
    ...found,
    remainder: { from: "none", relativeNorm: 0 },
    certificate: certificateFor(engine.precision, relativeError, { float64 }),
  };
}

/**
 * The certificate's relative error of a score on an engine, without anything else.
 *
 * @throws InputError what `scoreTerms` throws
 */
export async function scoreBalance<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  choice: ScoreChoice<T>,
): Promise<number> {
  return errorOf(await readScore(engine, model, tokens, choice));
}

type ScoreNumbers = Pick<
  ScoreExpansion,
  | "pattern"
  | "score"
  | "centredScore"
  | "querySources"
  | "keySources"
  | "matrix"
  | "matrixKeyCentred"
>;

async function readScore<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  { head: { layer, head }, query, key, by = "block" }: ScoreChoice<T>,
): Promise<ScoreNumbers> {
  return using(
    engine,
    () => scoreTerms(engine, model, tokens, { layer, head, query, key, by }),
    async (terms) => {
      const [[pattern = Number.NaN], [score = Number.NaN], [centredScore = Number.NaN]] =
        await readTogether(engine, [terms.pattern, terms.score, terms.scoreCentred]);
      return {
        ...{ pattern, score, centredScore },
        querySources: terms.querySources,
        keySources: terms.keySources,
        matrix: await readMatrix(engine, terms.matrix),
        matrixKeyCentred: await readMatrix(engine, terms.matrixKeyCentred),
      };
    },
  );
}

/** The rows of a matrix of one head and one key. */
async function readMatrix<T extends Shaped>(engine: Engine<T>, a: T): Promise<number[][]> {
  const axes = ["head", "key_pos", "query_source", "key_source"];
  const { shape, data } = inOrder(await engine.read(a), axes);
  const [rows = 0, columns = 0] = [shape.query_source, shape.key_source];
  return Array.from({ length: rows }, (_, row) =>
    Array.from(data.subarray(row * columns, (row + 1) * columns)),
  );
}

function errorOf({ matrix, matrixKeyCentred, score, centredScore }: ScoreNumbers): number {
  return Math.max(missing(matrix.flat(), score), missing(matrixKeyCentred.flat(), centredScore));
}

/** `|Σ parts − total|` relative to the largest of them. */
export function missing(parts: readonly number[], total: number): number {
  const sum = parts.reduce((all, part) => all + part, 0);
  const scale = parts.reduce((most, x) => Math.max(most, Math.abs(x)), Math.abs(total));
  return scale === 0 ? 0 : Math.abs(sum - total) / scale;
}
