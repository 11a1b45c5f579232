import type { Engine, Ops, Shaped } from "@resolvent/tensor";
import { readNumber, readNumbers } from "@resolvent/tensor";
import { blockWrite, frozenAt, type Model, recording, type Site } from "@resolvent/transformer";
import { only } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { type FrozenRun, stagesOf } from "./run.ts";

/**
 * Direct attribution of a readout: what each part of the run has written, read out as it stands (for logits: direct
 * logit attribution). `embed`, all of `blocks` and `constant` add up to the readout's value; a block's heads and its
 * `b_O` add up to the block.
 */
export interface DirectAttribution {
  readonly embed: number;
  /** The parts of `embed`: `embed.token`, and `embed.position` where positions are embedded. */
  readonly parts: Readonly<Record<string, number>>;
  /** By name: `L0.attn`, `L0.mlp`. */
  readonly blocks: Readonly<Record<string, number>>;
  /** By name, without `b_O`: `L0.H3`. */
  readonly heads: Readonly<Record<string, number>>;
  /** `b_O` of attention blocks, by the block's name; 0 where there is none. */
  readonly attnBias: Readonly<Record<string, number>>;
  readonly constant: number;
}

/** Reads out what each part of a run has written. */
export async function directAttribution<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
): Promise<DirectAttribution> {
  const products = engine.scope(() => attributionProducts(engine, model, run, readout));
  try {
    const numbers = async (some: ReadonlyMap<string, T>): Promise<Record<string, number>> => {
      const all: [string, number][] = [];
      for (const [name, value] of some) all.push([name, await readNumber(engine, value)]);
      return Object.fromEntries(all);
    };
    const heads: Record<string, number> = {};
    for (const [layer, value] of products.heads) {
      (await readNumbers(engine, value)).forEach((effect, head) => {
        heads[`L${layer}.H${head}`] = effect;
      });
    }
    return {
      embed: await readNumber(engine, products.embed),
      parts: await numbers(products.parts),
      blocks: await numbers(products.blocks),
      heads,
      attnBias: await numbers(products.attnBias),
      constant: await readNumber(engine, readout.constant),
    };
  } finally {
    engine.free(products);
  }
}

interface Products<T> {
  readonly embed: T;
  readonly parts: ReadonlyMap<string, T>;
  readonly blocks: ReadonlyMap<string, T>;
  /** By layer: `head`. */
  readonly heads: ReadonlyMap<number, T>;
  readonly attnBias: ReadonlyMap<string, T>;
}

/** The inner products of a direct attribution. */
export function attributionProducts<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  { before, covector }: Readout<T>,
): Products<T> {
  const { values, at } = covector;
  const over = at === undefined ? ["pos", "d_model"] : ["d_model"];
  const read = (x: T): T => ops.matmul(only(ops, x, "pos", at), values, over);
  const parts = new Map([["embed.token", read(run.token)]]);
  if (run.position !== undefined) parts.set("embed.position", read(run.position));
  const blocks = new Map<string, T>();
  const heads = new Map<number, T>();
  const attnBias = new Map<string, T>();
  let stream = run.embedding;
  for (const stage of stagesOf(model).slice(0, before)) {
    const point = stream;
    for (const block of stage) {
      const write = run.writes.get(block.name) as T; // every block writes
      blocks.set(block.name, read(write));
      stream = ops.add(stream, write);
      if (block.kind === "mlp") continue;
      const ofHeads = ops.scope(() => {
        const trace = new Map<Site, T>();
        const isHead = (site: Site): boolean => site === `${block.name}.head`;
        blockWrite(ops, block, point, recording(frozenAt(run.gates), isHead, trace));
        return ops.arrange(read(trace.get(`${block.name}.head`) as T), ["head"]); // it was asked for
      });
      heads.set(block.layer, ofHeads);
      const zero = ops.fill(run.embedding.shape, 0);
      attnBias.set(block.name, read(block.b_O === undefined ? zero : ops.add(zero, block.b_O)));
    }
  }
  return { embed: read(run.embedding), parts, blocks, heads, attnBias };
}
