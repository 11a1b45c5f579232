import type { Ops, Shaped } from "@resolvent/tensor";
import { tokenIds, unembed } from "./embedding.ts";
import { checkSites, noSite } from "./known-sites.ts";
import type { Model } from "./model.ts";
import { residualStream } from "./residual-stream.ts";
import { recordedStream } from "./shared-runs.ts";
import {
  chooses,
  plainSites,
  type Replacements,
  recording,
  replacing,
  type Site,
  type SiteChoice,
} from "./sites.ts";

export interface RunOptions<T> {
  /** Sites to keep: names with `*` for any characters, or a test; default none. */
  readonly sites?: SiteChoice;
  /** New values at named sites: tensors, or functions of the computed value. */
  readonly replace?: Replacements<T>;
}

/** One forward pass and what was kept of it. */
export interface Run<T> {
  /** What the model says, capped where it has a cap: `…, pos, vocab`. */
  readonly logits: T;
  /** The final residual stream, before the final norm: `…, pos, d_model`. */
  readonly residual: T;
  /** The values of the chosen sites. */
  readonly trace: ReadonlyMap<Site, T>;
}

/**
 * Runs a model on token ids, one row or several of one length.
 *
 * ```ts
 * const { logits, trace } = run(cpu, model, [1, 403, 407], { sites: ["*.pattern"] });
 * run(cpu, model, ids, { replace: { "L0.attn.pattern": trace.get("L0.attn.pattern") } });
 * ```
 *
 * @throws InputError for tokens out of range or too many of them; `transformer/no-site`, with the nearest
 * name that the model has, where a site that is replaced or kept does not occur in the run.
 */
export function run<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: ArrayLike<number> | readonly (readonly number[])[],
  options: RunOptions<T> = {},
): Run<T> {
  const ids = tokenIds(tokens);
  const trace = new Map<Site, T>();
  const { replace = {}, sites: choice = [] } = options;
  const met = new Set<Site>();
  return ops.scope(() => {
    const chosen = chooses(choice);
    const sites = recording(replacing(plainSites<T>(), replace, met), chosen, trace);
    const residual =
      Object.keys(replace).length === 0
        ? recordedStream(ops, model, ids, chosen, trace)
        : residualStream(ops, model, ids, sites);
    const logits = unembed(ops, model, residual, sites);
    const unmet = Object.keys(replace).find((site) => !met.has(site));
    if (unmet !== undefined) throw noSite(model, unmet, { exact: true });
    checkSites(model, choice, trace.keys());
    return { residual, logits, trace };
  });
}
