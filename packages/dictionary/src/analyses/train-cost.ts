import type { Outline } from "@resolvent/analysis";
import { type Cost, type Priced, priced } from "@resolvent/tensor";
import { run } from "@resolvent/transformer";
import { vectorsAt } from "../place.ts";
import { parseSite, siteIn } from "../site.ts";
import { settled, type TrainingSettings } from "../train/settings.ts";

/** Widths of what a dictionary at a site reads and of what it predicts. */
export interface Widths {
  readonly d_in: number;
  readonly d_out: number;
}

/**
 * The widths at the sites of a training, from shapes alone.
 *
 * @throws InputError `dictionary/no-site`, and what `run` throws
 */
export function widthsOf(
  { model, precision }: Pick<Outline, "model" | "precision">,
  site: string,
  target: string = site,
): Widths {
  const widths = { d_in: 0, d_out: 0 };
  priced(precision, (ops) => {
    const [input, output] = [siteIn(model, parseSite(site)), siteIn(model, parseSite(target))];
    const { trace } = run(ops, model, [0], { sites: [input.site, output.site] });
    const at = (one: string): Priced => trace.get(one) as Priced; // asked for
    const width = (place: typeof input, axis: "d_in" | "d_out"): number =>
      vectorsAt(ops, model, place, at(place.site), [0], axis).shape[axis] ?? 0;
    widths.d_in = width(input, "d_in");
    widths.d_out = width(output, "d_out");
  });
  return widths;
}

/** Copies of the weights that a step holds: they, Adam's two moments, gradients, and each of these anew. */
const COPIES = 8;
/** Numbers for each row and feature that a step of a loss with all features holds: values, gates and their adjoints. */
const DENSE = 12;
/** The same of one that chooses, which has pre-activations alone. */
const CHOOSING = 3;
/** Vectors for each active pair of row and feature, with their adjoints. */
const PAIRED = 10;

/**
 * About what a training takes: the products of its steps, and the runs that its vectors are read from.
 *
 * @throws InputError what `trainDictionary` throws for its settings
 */
export function trainingCost(
  { model, precision }: Pick<Outline, "model" | "precision">,
  given: TrainingSettings,
  { d_in, d_out, length }: Widths & { readonly length: number },
): Cost {
  const transcoder = given.target !== undefined && given.target !== given.site;
  const { features, steps, batch, buffer, objective, skip } = settled(given, transcoder);
  const { loss } = objective;
  const one = priced(precision, (ops) => void run(ops, model, new Array<number>(length).fill(0)));
  const bytes = precision === "f32" ? 4 : 8;
  const weights = features * (d_in + d_out + 4) + d_out + (skip ? d_in * d_out : 0);
  const pairs = "k" in loss ? batch * (loss.k + (loss.auxiliary?.k ?? 0)) : 0;
  const product = 2 * batch * features;
  // All features: z, x^ and four products of their gradients; chosen ones: z, and the same for pairs.
  const products =
    "k" in loss ? product * d_in + 10 * pairs * (d_in + d_out) : 3 * product * (d_in + d_out);
  const update = 15 * weights;
  const texts = Math.ceil((steps * batch + buffer) / length);
  const step =
    bytes *
    (COPIES * weights +
      ("k" in loss ? CHOOSING : DENSE) * batch * features +
      PAIRED * pairs * Math.max(d_in, d_out));
  const rows = 8 * 2 * buffer * (transcoder ? d_in + d_out : d_in); // in float64, beside the engine
  return {
    flops: steps * (products + update) + texts * one.flops,
    matmulFlops: steps * ("k" in loss ? product * d_in : products) + texts * one.matmulFlops,
    bytesMoved: steps * 3 * step + texts * one.bytesMoved,
    peakBytes: rows + Math.max(step, bytes * 3 * weights + one.peakBytes),
    calls: Object.fromEntries(Object.entries(one.calls).map(([name, n]) => [name, n * texts])),
  };
}
