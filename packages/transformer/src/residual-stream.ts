import type { Ids, Ops, Shaped } from "@resolvent/tensor";
import { attention } from "./attention.ts";
import { embed } from "./embedding.ts";
import { mlp } from "./mlp.ts";
import type { Block, Model } from "./model.ts";
import { type Sites, within } from "./sites.ts";

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
  for (const stage of model.stages) stream = afterStage(ops, stage, stream, sites);
  return stream;
}

/** The stream behind a stage, all of whose blocks read the one before it. */
export function afterStage<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  read: T,
  sites: Sites<T>,
): T {
  let stream = read;
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
  return stream;
}
