import { type Engine, InputError, type Shaped, using } from "@resolvent/tensor";
import { type Model, run, type Site } from "@resolvent/transformer";
import { reconstruct } from "./decode.ts";
import type { Dictionary } from "./dictionary.ts";
import { divergence, type EvaluateOptions, lossOf, type SplicedLoss } from "./evaluate.ts";
import { type Places, placesOf, positionsFor, splicedInto, vectorsAt } from "./place.ts";
import { siteText } from "./site.ts";

/** What a model loses with several dictionaries in their places at once, on some texts. */
export interface TogetherEvaluation {
  /** Where they write, in the order in which a run comes by. */
  readonly sites: readonly string[];
  /** Tokens that were predicted. */
  readonly tokens: number;
  /** `zeroed`: 0 at all of their places at once. */
  readonly loss: Pick<SplicedLoss, "model" | "spliced" | "zeroed">;
  /** Share of the loss recovered, against zero. */
  readonly recovered: number;
  readonly kl: number;
}

/** A dictionary and where it is. */
interface Placed<T extends Shaped> {
  readonly dictionary: Dictionary<T>;
  readonly places: Places;
}

/**
 * Measures several dictionaries in their places at once: each reads what the ones before it have left of the model, so
 * that their errors add up.
 *
 * ```ts
 * const { recovered } = await evaluateTogether(cpu, model, transcoders, texts);
 * ```
 *
 * A text takes a run for each dictionary and three more.
 *
 * @throws InputError `dictionary/same-place` for two in one place, `dictionary/no-tokens`, and what `evaluateDictionary`
 * throws
 */
export async function evaluateTogether<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionaries: readonly Dictionary<T>[],
  texts: readonly (readonly number[])[],
  options: EvaluateOptions = {},
): Promise<TogetherEvaluation> {
  const placed = dictionaries.map((dictionary): Placed<T> => {
    return { dictionary, places: placesOf(model, dictionary) };
  });
  checkApart(placed);
  const sums = { model: 0, spliced: 0, zeroed: 0, kl: 0, tokens: 0, positions: 0 };
  let ordered: readonly Placed<T>[] = placed;
  for (const [done, text] of texts.entries()) {
    options.signal?.throwIfAborted();
    const predicted = text.length - 1;
    if (predicted > 0) {
      await using(
        engine,
        () => run(engine, model, text, { sites: placed.map(({ places }) => places.output.site) }),
        async ({ logits, trace }) => {
          const order = [...trace.keys()];
          const rank = ({ places }: Placed<T>): number => order.indexOf(places.output.site);
          ordered = placed.toSorted((a, b) => rank(a) - rank(b));
          const zeros = engine.scope(() =>
            Object.fromEntries(placed.map((one) => zeroedAt(engine, one, trace, text.length))),
          );
          try {
            sums.zeroed += predicted * (await lossWith(engine, model, text, zeros));
          } finally {
            engine.free(zeros);
          }
          sums.model += predicted * (await lossOf(engine, logits, text));
          const spliced = await withAll(engine, model, ordered, text, options);
          try {
            sums.spliced += predicted * (await lossOf(engine, spliced, text));
            sums.kl += text.length * (await divergence(engine, logits, spliced));
          } finally {
            engine.free(spliced);
          }
        },
      );
      sums.tokens += predicted;
      sums.positions += text.length;
    }
    options.onProgress?.({ done: done + 1, total: texts.length });
  }
  if (sums.tokens === 0) throw nothingPredicted(texts.length);
  const loss = {
    model: sums.model / sums.tokens,
    spliced: sums.spliced / sums.tokens,
    zeroed: sums.zeroed / sums.tokens,
  };
  return {
    sites: ordered.map(({ places }) => siteText(places.output)),
    tokens: sums.tokens,
    loss,
    recovered: (loss.zeroed - loss.spliced) / (loss.zeroed - loss.model),
    kl: sums.kl / sums.positions,
  };
}

/** The logits of a run with all of them in their places, the first first; the caller frees them. */
async function withAll<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  ordered: readonly Placed<T>[],
  text: readonly number[],
  options: EvaluateOptions,
): Promise<T> {
  const replace: Record<Site, T> = {};
  try {
    for (const { dictionary, places } of ordered) {
      const positions = positionsFor(dictionary, text.length);
      const { input, output, splice } = places;
      await using(
        engine,
        () => {
          const sites = [input.site, output.site];
          const { trace } = run(engine, model, text, { sites, replace });
          const at = (site: Site): T => trace.get(site) as T; // asked for
          const vectors = (of: Places["input"], axis: "d_in" | "d_out"): T =>
            vectorsAt(engine, model, of, at(of.site), positions, axis);
          const [x, y] = [vectors(input, "d_in"), vectors(output, "d_out")];
          const { centred, d_out } = dictionary;
          return {
            x: centred ? engine.center(x, "d_in") : x,
            shift: centred ? engine.scale(engine.sum(y, ["d_out"]), 1 / d_out) : undefined,
            value: at(output.site),
          };
        },
        async ({ x, shift, value }) => {
          const made = await reconstruct(engine, dictionary, x, options);
          try {
            replace[splice] = engine.scope(() => {
              const back = shift === undefined ? made.output : engine.add(made.output, shift);
              return splicedInto(engine, output, value, positions, back);
            });
          } finally {
            engine.free(made.output);
          }
        },
      );
    }
    return engine.scope(() => run(engine, model, text, { replace }).logits);
  } finally {
    engine.free(Object.values(replace));
  }
}

/** The site that is replaced, with 0 where a dictionary would write. */
function zeroedAt<T extends Shaped>(
  engine: Engine<T>,
  { dictionary, places }: Placed<T>,
  trace: ReadonlyMap<Site, T>,
  length: number,
): [Site, T] {
  const positions = positionsFor(dictionary, length);
  const zeros = engine.fill({ row: positions.length, d_out: dictionary.d_out }, 0);
  const value = trace.get(places.output.site) as T; // asked for
  return [places.splice, splicedInto(engine, places.output, value, positions, zeros)];
}

async function lossWith<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  text: readonly number[],
  replace: Readonly<Record<Site, T>>,
): Promise<number> {
  return await using(
    engine,
    () => run(engine, model, text, { replace }).logits,
    async (logits) => await lossOf(engine, logits, text),
  );
}

function checkApart<T extends Shaped>(placed: readonly Placed<T>[]): void {
  const taken = new Map<Site, string>();
  for (const { dictionary, places } of placed) {
    const other = taken.get(places.splice);
    if (other !== undefined) {
      throw new InputError({
        code: "dictionary/same-place",
        message: `${other} and ${dictionary.name} both write ${siteText(places.output)}.`,
        remedy: "Give one dictionary for each place.",
        details: { names: [other, dictionary.name], site: places.splice },
      });
    }
    taken.set(places.splice, dictionary.name);
  }
}

function nothingPredicted(texts: number): InputError {
  return new InputError({
    code: "dictionary/no-tokens",
    message: `None of the ${texts} texts has two tokens.`,
    remedy: "Give texts of two tokens or more: the first predicts the second.",
    details: { texts },
  });
}
