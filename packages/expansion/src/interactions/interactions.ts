import {
  type Certificate,
  certificateFor,
  normOf,
  type PromptResult,
  promptResult,
  type Remainder,
  ratio,
  ZERO_REFERENCE,
} from "@resolvent/analysis";
import type { Engine, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { checkGates } from "../gates.ts";
import { plus } from "../stream-numbers.ts";
import {
  type InteractionOptions,
  type InteractionTerms,
  type InteractionWork,
  interactionTerms,
} from "./interaction-terms.ts";
import { interactionWarnings } from "./interaction-warnings.ts";
import type { PlayerChoice } from "./players.ts";

/** Interactions of one order: `Σ_{|S|=k} I(S)`. */
export interface InteractionOrder {
  readonly order: number;
  /** How many sets it has. */
  readonly sets: number;
  /** `‖Σ_{|S|=k} I(S)‖` */
  readonly norm: number;
  /** The same, relative to `‖T‖`; null where `T` is 0, as all that is relative to it. */
  readonly relativeNorm: number | null;
  /** `Σ_{|S|=k} ‖I(S)‖`: how much of it cancels. */
  readonly sumOfNorms: number;
  /** `‖Σ_{|S|≤k} I(S) − T‖ / ‖T‖` */
  readonly cumulativeRelativeError: number | null;
}

/** A set of at least two players and the size of what they do together only. */
export interface InteractingSet {
  readonly players: readonly string[];
  readonly order: number;
  /** `‖I(S)‖` */
  readonly norm: number;
  readonly relativeNorm: number | null;
}

/**
 * A run as a sum over sets of players: plain data, the same object in API, JSON and app. What does not play writes
 * nothing, biases included; of a head, `b_O` stays.
 */
export interface Interactions extends PromptResult<"interactions"> {
  /** How players were chosen; `layer` of heads and other parts. */
  readonly choice: { readonly kind: PlayerChoice["kind"]; readonly layer: number | null };
  /** Their names. What no player has (with heads, MLPs and `b_O`) always writes. */
  readonly players: readonly string[];
  /** Orders `0 … K`; order 0 is the run in which no player writes. */
  readonly orders: readonly InteractionOrder[];
  /** All interactions of two or more players, the largest first. */
  readonly sets: readonly InteractingSet[];
  /** The first of them: what people see. */
  readonly shown: readonly InteractingSet[];
  /** `‖I({i})‖` of each player. */
  readonly single: readonly number[];
  /** `‖I({i, j})‖`, symmetric, null on the diagonal; empty below order 2. */
  readonly pairNorms: readonly (readonly (number | null)[])[];
  /** Interactions of more than `K` players, all together. */
  readonly remainder: Remainder;
  readonly run: { readonly residualNorm: number };
  /**
   * Of `‖Σ_S I(S) + remainder − T‖ / ‖T‖`; the sum is made in float64 of runs in the precision used. A remainder
   * `from: "difference"` fills every gap by its making: then this shows rounding only.
   */
  readonly certificate: Certificate;
}

export interface InteractionsOptions extends InteractionOptions, InteractionWork {
  /** How many of the largest interactions are listed; default 12. */
  readonly top?: number;
  /** The text of a token, for the result; default none. */
  readonly text?: (id: number) => string;
  /**
   * The certificate's `relativeErrorFloat64`; not called where the engine is float64 itself; default none. With the
   * same model on a float64 engine: `(same) => interactionsError(reference, model64, tokens, same)`.
   */
  readonly certify?: (options: InteractionOptions) => Promise<number | null>;
}

/**
 * Takes a run apart by which players act together: Möbius terms over blocks, layers, heads or groups.
 *
 * ```ts
 * const found = await interactions(cpu, model, ids, { players: { kind: "layers" } });
 * found.orders[2].relativeNorm; // of all pairs of layers
 * found.shown[0];               // { players: ["L0", "L1"], norm: …
 * found.certificate.relativeError;
 * ```
 *
 * @throws InputError what `interactionTerms` throws; the signal's reason where it is aborted
 */
export async function interactions<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: InteractionsOptions = {},
): Promise<Interactions> {
  const { top = 12, text, certify, signal, onProgress, ...given } = options;
  signal?.throwIfAborted();
  const work = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const terms = await interactionTerms(engine, model, tokens, { ...given, ...work });
  const { orders, relativeError, remainderNorm, residualNorm } = measured(terms);
  const float64 = engine.precision === "f64" ? null : ((await certify?.(given)) ?? null);
  const choice = given.players ?? { kind: "blocks" };
  const sets = interacting(terms, residualNorm);
  const remainder = {
    from: isExact(terms) ? "none" : "difference",
    relativeNorm: ratio(remainderNorm, residualNorm),
  } as const;
  return {
    ...promptResult("interactions", engine, model, tokens, {
      ...{ text, freeze: checkGates(given.freeze ?? []), reference: ZERO_REFERENCE },
      warnings: interactionWarnings(orders, remainder, relativeError, engine.precision),
    }),
    choice: {
      kind: choice.kind,
      layer: "layer" in choice ? (choice.layer ?? null) : null,
    },
    players: terms.players.map(({ name }) => name),
    orders,
    sets,
    shown: sets.slice(0, top),
    single: singleOf(terms),
    pairNorms: pairsOf(terms),
    remainder,
    run: { residualNorm },
    certificate: certificateFor(engine.precision, relativeError, { float64 }),
  };
}

/**
 * `‖Σ_S I(S) + remainder − T‖ / ‖T‖` on an engine, without any other measure.
 *
 * @throws InputError what `interactionTerms` throws
 */
export async function interactionsError<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: InteractionOptions & InteractionWork = {},
): Promise<number | null> {
  return measured(await interactionTerms(engine, model, tokens, options)).relativeError;
}

function isExact({ players, orders }: InteractionTerms): boolean {
  return orders.length === players.length + 1;
}

function measured(terms: InteractionTerms): {
  readonly orders: readonly InteractionOrder[];
  readonly relativeError: number | null;
  readonly remainderNorm: number;
  readonly residualNorm: number;
} {
  const { sets, norms, residual } = terms;
  const residualNorm = normOf(residual);
  let sum: Float64Array = new Float64Array(residual.length);
  const orders = terms.orders.map((term, order) => {
    sum = plus(sum, term);
    const norm = normOf(term);
    const own = sets.flatMap((set, i) => (set.length === order ? [norms[i] as number] : []));
    return {
      order,
      sets: own.length,
      norm,
      relativeNorm: ratio(norm, residualNorm),
      sumOfNorms: own.reduce((total, one) => total + one, 0),
      cumulativeRelativeError: ratio(normOf(plus(sum, residual, -1)), residualNorm),
    };
  });
  const none = new Float64Array(residual.length);
  const remainder = isExact(terms) ? none : plus(residual, sum, -1);
  const gap = plus(plus(sum, remainder), residual, -1);
  return {
    orders,
    relativeError: ratio(normOf(gap), residualNorm),
    remainderNorm: normOf(remainder),
    residualNorm,
  };
}

function interacting(
  { players, sets, norms }: InteractionTerms,
  residualNorm: number,
): InteractingSet[] {
  return sets
    .map((set, i) => ({ set, norm: norms[i] as number })) // a norm for each set
    .filter(({ set }) => set.length >= 2)
    .sort((a, b) => b.norm - a.norm)
    .map(({ set, norm }) => ({
      players: set.map((player) => players[player]?.name ?? ""),
      order: set.length,
      norm,
      relativeNorm: ratio(norm, residualNorm),
    }));
}

function singleOf({ sets, norms }: InteractionTerms): number[] {
  return sets.flatMap((set, i) => (set.length === 1 ? [norms[i] as number] : [])); // as above
}

function pairsOf({ players, sets, norms }: InteractionTerms): (number | null)[][] {
  if (!sets.some(({ length }) => length === 2)) return [];
  const matrix = players.map(() => players.map((): number | null => null));
  sets.forEach((set, i) => {
    const [a = 0, b = 0] = set;
    if (set.length !== 2) return;
    for (const [row, column] of [
      [a, b],
      [b, a],
    ] as const) {
      const cells = matrix[row];
      if (cells !== undefined) cells[column] = norms[i] as number; // as above
    }
  });
  return matrix;
}
