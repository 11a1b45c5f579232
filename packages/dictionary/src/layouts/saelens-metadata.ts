import type { Shaped } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import { type Config, shown } from "../config.ts";
import type { Dictionary, PositionSlice } from "../dictionary.ts";
import { badConfig } from "../refuse.ts";

/** What a SAELens config says of the training. */
export function trained(
  about: Config,
  hook?: string,
  hookOut?: string,
): Dictionary<Shaped>["trainedOn"] {
  const model = about.text("model_name");
  const contextSize = about.number("context_size");
  return {
    ...(model !== undefined && { model }),
    ...(hook !== undefined && { hook }),
    ...(hookOut !== undefined && { hookOut }),
    prependBos: about.boolean("prepend_bos") ?? true,
    ...(contextSize !== undefined && { contextSize }),
  };
}

/** `seqpos_slice`: the arguments of Python's slice, of which one alone is where to stop. */
export function positionsOf(about: Config): PositionSlice | undefined {
  const given = about.get("seqpos_slice");
  if (given === undefined) return undefined;
  const whole = (one: unknown): one is number | null => one === null || Number.isInteger(one);
  if (
    !Array.isArray(given) ||
    given.length < 1 ||
    given.length > 3 ||
    !given.every(whole) ||
    given[2] === 0
  ) {
    throw badConfig(
      about.name,
      "seqpos_slice",
      `is ${shown(given)}; expected one to three whole numbers or null.`,
    );
  }
  const [start, stop, step = null] = given.length === 1 ? [null, given[0] ?? null] : given;
  if (start === null && stop === null && step === null) return undefined;
  return { start: start ?? null, stop: stop ?? null, step };
}

/** What of the model's weights had been processed when it was trained. */
export function processingOf(
  about: Config,
  hook: string | undefined,
): { readonly centred?: boolean; readonly warnings: readonly Warning[] } {
  const centred = about.inside("model_from_pretrained_kwargs").boolean("center_writing_weights");
  if (centred !== undefined) return { centred, warnings: [] };
  const model = about.text("model_name") ?? "";
  if (!/^gpt2/.test(model) || !/hook_resid|hook_.*_out/.test(hook ?? "")) return { warnings: [] };
  const message = `${about.name} does not say whether the stream of ${model} had been centred (center_writing_weights, as of gpt2-small-res-jb): it is taken as it is. Pass centred: true if explained variance comes out poor.`;
  return { warnings: [{ code: "centred-writing-weights", message }] };
}
