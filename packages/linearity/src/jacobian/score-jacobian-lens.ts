import { pause } from "@resolvent/analysis";
import { carried, type JacobianLens, jacobianTensors, layerEnds } from "@resolvent/expansion";
import { type Engine, type Shaped, using } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { batchesOf, type Sample } from "../corpus.ts";
import { stacked } from "../local.ts";
import { BATCH_TOKENS } from "../measure.ts";
import { recordSites, valueAt } from "../pairs.ts";
import { klOf, readoutBatch, top1Of, truthOf } from "../readout.ts";
import { shown } from "../report.ts";
import type { Interval } from "../result.ts";
import { bootstrap, Tally } from "../tally.ts";

/** The measures of a layer's lenses. */
export const LENS_MEASURES = [
  "logitLensKl",
  "jacobianLensKl",
  "logitLensTop1",
  "jacobianLensTop1",
] as const;
type LensMeasure = (typeof LENS_MEASURES)[number];

/** What is read out of the stream behind a layer, against what the model says at the end. */
export interface LayerLenses {
  readonly layer: number;
  /** Its last block. */
  readonly after: string;
  /** KL divergence of what is read from the stream as it is from the model's predictions; nats. */
  readonly logitLensKl: number | null;
  /** The same of what is read through `J_l`. */
  readonly jacobianLensKl: number | null;
  /** Share of positions at which the logit lens names the model's likeliest token. */
  readonly logitLensTop1: number | null;
  /** The same of the Jacobian lens. */
  readonly jacobianLensTop1: number | null;
  /** 95 %, of each measure. */
  readonly intervals: Readonly<Record<LensMeasure, Interval>>;
}

export interface JacobianScoreOptions {
  /** Draws of the bootstrap over sequences; default 200. */
  readonly draws?: number;
  /** Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Called after each sequence with how many are done. */
  readonly onSequence?: (done: number) => void;
}

/**
 * How well a Jacobian lens reads the streams of some sequences, beside the logit lens: mean KL divergence from the
 * model's predictions, in nats, and the share of positions with the model's likeliest token. All positions count.
 *
 * @throws InputError `expansion/other-lens`
 */
export async function scoreJacobianLens<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  lens: JacobianLens,
  sequences: Sample["sequences"],
  options: JacobianScoreOptions = {},
): Promise<readonly LayerLenses[]> {
  const { draws = 200, seed = 0, signal, onSequence } = options;
  const ends = layerEnds(model.architecture);
  const end = `${ends.at(-1)}.after`;
  const tensors = engine.scope(() => jacobianTensors(engine, model, lens));
  const tally = new Tally();
  const sites = new Set([...[...tensors.keys()].map((after) => `${after}.after`), end]);
  try {
    for (const { rows, first } of batchesOf(sequences, BATCH_TOKENS)) {
      const ids = tokenIds(rows);
      rows.forEach((row, i) => {
        tally.add(first + i, "tokens", [row.length]);
      });
      await using(
        engine,
        () => recordSites(engine, model, rows, sites),
        async (values) => {
          const truth = await truthOf(engine, model, valueAt(values, end));
          for (const [after, J] of tensors) {
            const x = valueAt(values, `${after}.after`);
            await using(
              engine,
              () => stacked(engine, [x, carried(engine, J, x)], "variant"),
              async (streams) => {
                const names = [`${after} logit`, `${after} jacobian`];
                await readoutBatch(engine, model, streams, { ids, names, truth, tally, first });
              },
            );
          }
          engine.free(truth);
        },
      );
      onSequence?.(first + rows.length);
      await pause(signal);
    }
  } finally {
    engine.free(tensors);
  }
  const estimate = bootstrap(tally, sequences.length, { draws, seed });
  return [...tensors.keys()].map((after) => ({
    layer: ends.indexOf(after),
    after,
    ...shown({
      logitLensKl: estimate(klOf(`${after} logit`)),
      jacobianLensKl: estimate(klOf(`${after} jacobian`)),
      logitLensTop1: estimate(top1Of(`${after} logit`)),
      jacobianLensTop1: estimate(top1Of(`${after} jacobian`)),
    }),
  }));
}
