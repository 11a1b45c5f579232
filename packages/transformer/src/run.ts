import { type Ids, InputError, type Ops, type Shaped } from "@resolvent/tensor";
import { attention } from "./attention.ts";
import { embed, tokenIds, unembed } from "./embedding.ts";
import { mlp } from "./mlp.ts";
import type { Block, Model } from "./model.ts";
import {
  chooses,
  plainSites,
  type Replacements,
  recording,
  replacing,
  type Site,
  type SiteChoice,
  type Sites,
  within,
} from "./sites.ts";

/** What a block adds to the stream when it reads `read`: `C_i = f_i(r_i)`. */
export function blockWrite<T extends Shaped>(
  ops: Ops<T>,
  block: Block<T>,
  read: T,
  sites: Sites<T>,
): T {
  const own = within(sites, block.name);
  const seen = own.at("read", () => read);
  return own.at("write", () =>
    block.kind === "attn" ? attention(ops, block, seen, own) : mlp(ops, block, seen, own),
  );
}

/**
 * The final residual stream `T = x0 + Σ C_i`, before the final norm: `…, pos, d_model`.
 *
 * @param start position of the first token; default 0
 */
export function residualStream<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  sites: Sites<T>,
  start = 0,
): T {
  let stream = embed(ops, model, ids, sites, start);
  for (const stage of model.stages) {
    const read = stream;
    for (const block of stage) {
      const before = stream;
      stream = ops.scope(() => {
        const write = blockWrite(ops, block, read, sites);
        return {
          after: sites.at(`${block.name}.after`, () => ops.add(before, write)),
          held: sites.held,
        };
      }).after;
    }
  }
  return stream;
}

export interface RunOptions<T> {
  /** Sites to keep: names with `*` for any characters, or a test; default none. */
  readonly sites?: SiteChoice;
  /** New values at named sites: tensors, or functions of the computed value. */
  readonly replace?: Replacements<T>;
}

/** One forward pass and what was kept of it. */
export interface Run<T> {
  /** `…, pos, vocab` */
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
 * @throws InputError for tokens out of range or too many of them; `transformer/no-site` where a replaced site
 * does not occur in the run.
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
    const sites = recording(replacing(plainSites<T>(), replace, met), chooses(choice), trace);
    const residual = residualStream(ops, model, ids, sites);
    const logits = unembed(ops, model, residual, sites);
    const unmet = Object.keys(replace).find((site) => !met.has(site));
    if (unmet !== undefined) {
      throw new InputError({
        code: "transformer/no-site",
        message: `${model.name} has no site "${unmet}" to replace.`,
        remedy:
          "Sites are listed in the documentation of `Site`; a replaced pattern leaves no query, key and score.",
        details: { site: unmet },
      });
    }
    return { residual, logits, trace };
  });
}
