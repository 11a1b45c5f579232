import type { Engine, Ops, Shaped } from "@resolvent/tensor";
import { readTogether } from "@resolvent/tensor";
import { frozenAt, levelOf, type Model, nodesOf, partWrites } from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { only } from "./pull.ts";
import type { Readout } from "./readout.ts";

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
    const { parts, blocks, heads, attnBias } = products;
    const maps = [parts, blocks, heads, attnBias];
    const names = nodesOf(model.architecture, "head").flat();
    const [[constant = Number.NaN], [embed = Number.NaN], ...rest] = await readTogether(engine, [
      ...([readout.constant, products.embed] as const),
      ...maps.flatMap((some) => [...some.values()]),
    ]);
    /** The numbers of the next of the maps. */
    const next = <K>(some: ReadonlyMap<K, T>): [K, number[]][] =>
      [...some.keys()].map((name) => [name, rest.shift() ?? []]);
    const numbers = (some: ReadonlyMap<string, T>): Record<string, number> =>
      Object.fromEntries(next(some).map(([name, [value = Number.NaN]]) => [name, value]));
    return {
      embed,
      parts: numbers(parts),
      blocks: numbers(blocks),
      heads: Object.fromEntries(
        next(heads).flatMap(([block, effects]) => {
          const own = names.filter((node) => node.block === block);
          return effects.map((effect, head) => [own[head]?.name ?? "", effect]);
        }),
      ),
      attnBias: numbers(attnBias),
      constant,
    };
  } finally {
    engine.free(products);
  }
}

interface Products<T> {
  readonly embed: T;
  readonly parts: ReadonlyMap<string, T>;
  readonly blocks: ReadonlyMap<string, T>;
  /** By block: `node`. */
  readonly heads: ReadonlyMap<string, T>;
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
  const heads = new Map<string, T>();
  const attnBias = new Map<string, T>();
  const level = levelOf("head");
  let stream = run.embedding;
  for (const stage of stagesOf(model).slice(0, before)) {
    const point = stream;
    for (const block of stage) {
      const write = run.writes.get(block.name) as T; // every block writes
      blocks.set(block.name, read(write));
      stream = ops.add(stream, write);
      if (block.kind === "mlp") continue;
      const ofHeads = ops.scope(() => {
        const { each } = partWrites(ops, level.attn, block, point, frozenAt(run.gates));
        return ops.arrange(read(each), ["node"]);
      });
      heads.set(block.name, ofHeads);
      const zero = ops.fill(run.embedding.shape, 0);
      attnBias.set(block.name, read(block.b_O === undefined ? zero : ops.add(zero, block.b_O)));
    }
  }
  return { embed: read(run.embedding), parts, blocks, heads, attnBias };
}
