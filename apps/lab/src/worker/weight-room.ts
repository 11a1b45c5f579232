import { bytes, type Wanted } from "@resolvent/analysis";
import { InputError, type Precision } from "@resolvent/tensor";
import { type ModelOutline, type WeightPlan, weightPlans } from "@resolvent/transformer";

/** What an engine can hold of one model and its intermediates. */
const ENGINE_BYTES = 2 ** 32;

/** What stands beside weights, and whether all layers have to be there at once. */
type Beside = Pick<Wanted, "peakBytes" | "layers">;

/** The room that an engine has for weights. */
export interface WeightRoom {
  /** Of weights and intermediates together. */
  readonly bytes: number;
  /**
   * The fastest way to keep a model's weights that leaves room for the intermediates.
   * @throws InputError `lab/over-budget`
   */
  plan(outline: ModelOutline, precision: Precision, beside: Beside): WeightPlan;
  /** How a model's weights would be kept in f32, in a few words, and what they would take. */
  kept(outline: ModelOutline, beside: Beside): { readonly kept: string; readonly bytes: number };
}

/** The room of an engine, where weights may stay in their files (`streams`), of `limit` bytes. */
export function weightRoom({
  streams,
  limit = ENGINE_BYTES,
}: {
  readonly streams: boolean;
  readonly limit?: number | undefined;
}): WeightRoom {
  const plansFor = (
    outline: ModelOutline,
    precision: Precision,
    { layers, peakBytes }: Beside,
  ): { readonly plan: WeightPlan | undefined; readonly least: number } => {
    const plans = weightPlans(outline.sizes, precision).filter(
      ({ stream }) => !stream || (streams && !layers),
    );
    return {
      plan: plans.find((one) => one.bytes + peakBytes <= limit),
      least: Math.min(...plans.map((one) => one.bytes)),
    };
  };
  return {
    bytes: limit,
    plan: (outline, precision, beside) => {
      const { plan, least } = plansFor(outline, precision, beside);
      if (plan !== undefined) return plan;
      const { peakBytes, layers } = beside;
      // Where weights alone are too much, no shorter input helps; another analysis has intermediates of its own.
      const alone = least > limit;
      const apart = { peakBytes: alone ? 0 : peakBytes, layers: false };
      const inLayers = layers && plansFor(outline, precision, apart).plan !== undefined;
      const less = alone ? "Open a smaller model." : "Shorten the input, or ask for less.";
      throw new InputError({
        code: "lab/over-budget",
        message: `This would take at least ${bytes(least)} for weights and ${bytes(peakBytes)} for intermediates; a page has ${bytes(limit)}.`,
        remedy: inLayers ? "Under More, run, expand and qk read it layer by layer." : less,
        details: { weights: least, intermediates: peakBytes, limit },
      });
    },
    kept: (outline, beside) => {
      const { plan, least } = plansFor(outline, "f32", beside);
      if (plan === undefined) return { kept: "more than a page has", bytes: least };
      const ends = plan.widen ? "" : ", the rest as stored";
      const whole = plan.widen ? "in f32" : "as stored";
      return { kept: plan.stream ? `layer by layer${ends}` : whole, bytes: plan.bytes };
    },
  };
}
