import { type Engine, readNumber, type Shaped, type Tensor, using } from "@resolvent/tensor";
import {
  klDivergence,
  logProbabilities,
  type Model,
  nextTokenLoss,
  run,
  tokenIds,
  type Warning,
} from "@resolvent/transformer";
import { reconstruct } from "./decode.ts";
import type { Dictionary } from "./dictionary.ts";
import { FORMULAS, metering, type ReconstructionMetrics } from "./metrics.ts";
import {
  checkWidth,
  type Places,
  placesOf,
  positionsFor,
  splicedInto,
  vectorsAt,
} from "./place.ts";
import { noTokens } from "./refuse.ts";
import { siteText } from "./site.ts";
import type { EncodeOptions } from "./sparse.ts";

/** What a model loses with a dictionary's output in place of what it stands for: mean next-token losses, in nats. */
export interface SplicedLoss {
  readonly model: number;
  readonly spliced: number;
  readonly zeroed: number;
  /** The mean over the tokens read in its place. */
  readonly mean: number;
}

/** How well a dictionary stands for a value of a model, on some texts. */
export interface Evaluation extends ReconstructionMetrics {
  /** Where it reads and, of a transcoder, writes: `L1.mlp.normed → L1.mlp.write`. */
  readonly site: string;
  /** Over the tokens that have a next one; NaN where none has, as all texts are of one token. */
  readonly loss: SplicedLoss;
  /** Share of the loss recovered, against zero. */
  readonly recovered: number;
  readonly recoveredFromMean: number;
  readonly kl: number;
  readonly formulas: typeof FORMULAS;
  readonly warnings: readonly Warning[];
}

export interface EvaluateOptions extends EncodeOptions {
  /** Called after each text, of which each is read twice. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Sums over texts, which differ in length. */
interface Sum {
  total: number;
  count: number;
}

/**
 * Measures a dictionary on texts, as token ids: how its output stands for the value at its site, and what the model
 * loses with it in its place. Positions that it is not for (`seqpos_slice`, `zeroPositions`) and other heads pass by, in
 * every metric and in the splice.
 *
 * ```ts
 * const { explainedVariance, l0, recovered } = await evaluateDictionary(cpu, model, dictionary, texts);
 * ```
 *
 * A text of one token has no next one: it counts for the reconstruction and for KL, and for no loss.
 *
 * What is kept does not grow with the texts. Every number's definition is in `formulas`.
 *
 * @throws InputError `dictionary/no-site`, `dictionary/no-splice`, `dictionary/width`, `dictionary/no-tokens`, and what
 * `run` throws
 */
export async function evaluateDictionary<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  texts: readonly (readonly number[])[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const places = placesOf(model, dictionary);
  const meter = metering(dictionary.features, dictionary.d_out);
  const sums = { model: empty(), spliced: empty(), zeroed: empty(), mean: empty(), kl: empty() };
  const work = { done: 0, total: 2 * texts.length };
  const tell = (): void => {
    work.done++;
    options.onProgress?.({ ...work });
  };

  for (const text of texts) {
    options.signal?.throwIfAborted();
    await withText(engine, model, dictionary, places, text, async (read) => {
      const { positions, input, target, shift, value, logits } = read;
      const made = await reconstruct(engine, dictionary, input, options);
      try {
        const [x, y] = await Promise.all([engine.read(target), engine.read(made.output)]);
        const firsts = positions.flatMap((at, row) => (at === 0 ? [row] : []));
        meter.add(made.activations, x.data, y.data, firsts);
        add(sums.model, await lossOf(engine, logits, text), text.length - 1);
        const spliced = engine.scope(() => {
          const back = shift === undefined ? made.output : engine.add(made.output, shift);
          const replaced = splicedInto(engine, places.output, value, positions, back);
          return run(engine, model, text, { replace: { [places.splice]: replaced } }).logits;
        });
        try {
          add(sums.spliced, await lossOf(engine, spliced, text), text.length - 1);
          add(sums.kl, await divergence(engine, logits, spliced), text.length);
        } finally {
          engine.free(spliced);
        }
        if (text.length < 2) return; // what follows is of losses
        const nothing = new Float64Array(dictionary.d_out);
        add(
          sums.zeroed,
          await lossWith(engine, model, places, read, text, nothing),
          text.length - 1,
        );
      } finally {
        engine.free(made.output);
      }
    });
    tell();
  }

  const metrics = meter.metrics();
  if (metrics.tokens === 0) {
    throw noTokens(dictionary, texts.length);
  }
  const mean = meter.mean();
  for (const text of texts) {
    options.signal?.throwIfAborted();
    if (text.length > 1)
      await withText(engine, model, dictionary, places, text, async (read) => {
        const each = await lossWith(engine, model, places, read, text, mean);
        add(sums.mean, each, text.length - 1);
      });
    tell();
  }

  const loss = {
    model: over(sums.model),
    spliced: over(sums.spliced),
    zeroed: over(sums.zeroed),
    mean: over(sums.mean),
  };
  const [from, to] = [siteText(places.input), siteText(places.output)];
  return {
    site: from === to ? from : `${from} → ${to}`,
    ...metrics,
    loss,
    recovered: (loss.zeroed - loss.spliced) / (loss.zeroed - loss.model),
    recoveredFromMean: (loss.mean - loss.spliced) / (loss.mean - loss.model),
    kl: over(sums.kl),
    formulas: FORMULAS,
    warnings: [
      ...dictionary.warnings,
      ...bosWarning(model, dictionary, texts),
      ...shortWarning(texts),
    ],
  };
}

/** Without the token that texts began with in training, the first positions are none that it has seen. */
function bosWarning<T extends Shaped>(
  { architecture: { bos } }: Model<T>,
  { name, trainedOn }: Dictionary<T>,
  texts: readonly (readonly number[])[],
): Warning[] {
  if (trainedOn.prependBos !== true || bos === undefined) return [];
  const without = texts.filter(([first]) => first !== bos).length;
  if (without === 0) return [];
  const message = `${name} was trained on texts that begin with the token ${bos} (prepend_bos), and ${without} of ${texts.length} do not.`;
  return [{ code: "no-bos", message }];
}

/** That some texts are in some numbers only. */
function shortWarning(texts: readonly (readonly number[])[]): Warning[] {
  const short = texts.filter(({ length }) => length === 1).length;
  if (short === 0) return [];
  const message = `${short} of ${texts.length} texts ${short === 1 ? "is" : "are"} of one token, without a next one: they count for the reconstruction, and for no loss.`;
  return [{ code: "no-next-token", message }];
}

const empty = (): Sum => ({ total: 0, count: 0 });
const over = ({ total, count }: Sum): number => total / count;

/** A mean over some tokens joins the others. */
function add(sum: Sum, mean: number, count: number): void {
  sum.total += mean * count;
  sum.count += count;
}

/** What a run of one text has at a dictionary's places. */
interface Read<T> {
  readonly positions: readonly number[];
  /** `row, d_in` */
  readonly input: T;
  /** `row, d_out` */
  readonly target: T;
  /** `row`: the mean that centring has taken, where the dictionary wants the stream centred. */
  readonly shift: T | undefined;
  /** The value of the site that is replaced, with all its positions. */
  readonly value: T;
  readonly logits: T;
}

async function withText<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  { input, output }: Places,
  text: readonly number[],
  use: (read: Read<T>) => Promise<void>,
): Promise<void> {
  const positions = positionsFor(dictionary, text.length);
  if (positions.length === 0) return;
  const { centred, d_in, d_out } = dictionary;
  await using(
    engine,
    (): Read<T> => {
      const { trace, logits } = run(engine, model, text, { sites: [input.site, output.site] });
      const at = (site: string): T => trace.get(site) as T; // asked for
      const x = vectorsAt(engine, model, input, at(input.site), positions, "d_in");
      const y = vectorsAt(engine, model, output, at(output.site), positions, "d_out");
      checkWidth(dictionary, siteText(input), "d_in", x.shape.d_in, d_in);
      checkWidth(dictionary, siteText(output), "d_out", y.shape.d_out, d_out);
      const shift = centred ? engine.scale(engine.sum(y, ["d_out"]), 1 / d_out) : undefined;
      return {
        positions,
        input: centred ? engine.center(x, "d_in") : x,
        target: centred ? engine.center(y, "d_out") : y,
        shift,
        value: at(output.site),
        logits,
      };
    },
    use,
  );
}

/** The mean over the tokens that have a next one; of none 0, which then counts nowhere. */
export async function lossOf<T extends Shaped>(
  engine: Engine<T>,
  logits: T,
  text: readonly number[],
): Promise<number> {
  if (text.length < 2) return 0;
  const ids = tokenIds(text);
  return await using(
    engine,
    () => nextTokenLoss(engine, logits, ids),
    async (loss) => await readNumber(engine, loss),
  );
}

/** The loss with one vector at all of the dictionary's positions. */
async function lossWith<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  { output, splice }: Places,
  { positions, value, shift }: Read<T>,
  text: readonly number[],
  vector: Tensor["data"],
): Promise<number> {
  return await using(
    engine,
    () => {
      const one = engine.constant({ d_out: vector.length }, vector);
      const rows = engine.broadcast(one, { row: positions.length });
      const back = shift === undefined ? rows : engine.add(rows, shift);
      const replaced = splicedInto(engine, output, value, positions, back);
      return run(engine, model, text, { replace: { [splice]: replaced } }).logits;
    },
    async (logits) => await lossOf(engine, logits, text),
  );
}

/** The mean over positions of `KL(p ‖ q)`, from logits. */
export async function divergence<T extends Shaped>(engine: Engine<T>, p: T, q: T): Promise<number> {
  return await using(
    engine,
    () => {
      const sum = klDivergence(engine, logProbabilities(engine, p), logProbabilities(engine, q), [
        "pos",
      ]);
      return engine.scale(sum, 1 / (p.shape.pos ?? 1));
    },
    async (value) => await readNumber(engine, value),
  );
}
