import { allSources, type FrozenRun, frozenRun, type Sources } from "@resolvent/paths";
import type { Engine, Ops, Shaped } from "@resolvent/tensor";
import {
  type AttentionBlock,
  type Block,
  blocksOf,
  type Level,
  type Model,
  run as runModel,
  type Site,
  tokenIds,
} from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { positionsFor, vectorsAt } from "../place.ts";
import { encode, type SparseActivations } from "../sparse.ts";
import { featureLevel, unitNames } from "./feature-level.ts";
import { mixedParts, writtenParts } from "./mixed-sources.ts";
import { onlyFeatures } from "./only-features.ts";
import { type Placed, placedIn } from "./placed.ts";
import { heldBlock } from "./replaced-block.ts";
import { constantsOf, ownOf, type Replaced, replacedBy } from "./replaced-mlp.ts";
import { withBlocks } from "./with-blocks.ts";

/**
 * A run in which dictionaries stand for what they are trained on. What takes a model, its run, sources or a level takes
 * these: effects and paths, their search, `verify`, interactions, scores. The model is that of these tokens: errors, and
 * what is held, are constants of each of their positions.
 */
export interface DictionaryRun<T extends Shaped> {
  /** The model with blocks replaced by transcoders, or, where an SAE's features stand for them, held as they wrote. */
  readonly model: Model<T>;
  /** The same without blocks that are held: what is run anew. */
  readonly live: Model<T>;
  /** Its run with all gates; those of features are the active set. */
  readonly run: FrozenRun<T>;
  /** All sources: their paths, and the constant of a readout, are all there is. */
  readonly sources: readonly Sources<T>[];
  /** Heads, and features of replaced MLPs. */
  readonly level: Level;
}

export interface DictionaryRunOptions {
  /**
   * The features of a layer's transcoder that are nodes, in rising order; default all. Those that are active in the run
   * make the same sums, and the less work for a search of paths; what others would write is in the error.
   */
  readonly chosen?: (layer: number) => readonly number[] | undefined;
}

/** What has been read of the model's run at a dictionary. */
interface Read<T extends Shaped> extends Placed<T> {
  readonly positions: readonly number[];
  readonly x: T;
  /** The value of the site that it reads, `pos, d_model`. */
  readonly stream: T;
  /** The value that it stands for. */
  readonly seen: T;
  /** The stream at its point, or what its block writes: `pos, d_model`. */
  readonly written: T;
  /** σ of a norm of what the block writes; undefined where there is none. */
  readonly sigma: T | undefined;
  /** Undefined of a transcoder, whose units say what is active. */
  readonly sparse: SparseActivations | undefined;
}

/**
 * Runs a model on tokens with dictionaries in their places, for as long as `use` takes.
 *
 * ```ts
 * await withDictionaries(cpu, model, ids, [...transcoders, sae], async ({ model, run, sources }) => {
 *   const readout = logitReadout(cpu, model, run, { a, b });
 *   const [{ sources: rows }] = await effects(cpu, model, run, sources, [readout]);
 *   rows[0]; // { name: "L2.mlp.after.F18", position: 21, byDegree: [0.48, 0.71, …] }
 * });
 * ```
 *
 * - An **SAE of the stream** cuts it: what was before the point is its features, each at each position a source,
 *   `b_dec` and `error`, of degree 0 *after the site*. Degrees are not those of the whole model.
 * - An **SAE of what a block writes** cuts the block, and its sources have degree 1. One of **what heads mix** (hook_z)
 *   does so too, each source through `W_O`: `L3.attn.mixed.F18`, `b_dec`, `error`, then `b_O`, and `heads`, what other
 *   heads write, where it is of one.
 * - A **transcoder** replaces its MLP by a block of the same degree, linear once its active set is held. Its features
 *   are nodes, `L3.F52`; `L3.mlp.b_enc` (through the decoder, with the norm's β), `L3.mlp.b_dec` and `L3.mlp.error` are
 *   sources of degree 1. The linear part of the block is another than the MLP's, and so is every degree; their sum is
 *   the model all the same.
 *
 * `live` recomputes active sets, those of topk and groupmax too; errors stay as they were.
 *
 * @throws InputError `dictionary/no-place`, `dictionary/two-places`, `dictionary/not-affine`, `paths/streamed`, what
 *   `run` throws
 */
export async function withDictionaries<T extends Shaped, R>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  dictionaries: readonly Dictionary<T>[],
  use: (expansion: DictionaryRun<T>) => Promise<R>,
  { chosen = () => undefined }: DictionaryRunOptions = {},
): Promise<R> {
  const placed = placedIn(model, dictionaries);
  const reads: Read<T>[] = [];
  const owned: unknown[] = [];
  try {
    const trace = engine.scope(() => {
      const sites = placed.flatMap(({ places, site, value }) => {
        return [places.input.site, site, value, `${site}_norm`];
      });
      const asked = new Set(sites);
      return runModel(engine, model, tokens, { sites: (site) => asked.has(site) }).trace;
    });
    owned.push(trace);
    for (const one of placed)
      reads.push(await readAt(engine, model, one, trace, tokens.length, owned));
    const made = engine.scope(() => expansionOf(engine, model, tokens, reads, chosen));
    owned.push(made.own);
    return await use(made.expansion);
  } finally {
    engine.free(owned);
  }
}

async function readAt<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  placed: Placed<T>,
  trace: ReadonlyMap<Site, T>,
  length: number,
  owned: unknown[],
): Promise<Read<T>> {
  const { dictionary, places, site, role } = placed;
  const positions = positionsFor(dictionary, length);
  const x = engine.scope(() => {
    const value = trace.get(places.input.site) as T; // asked for
    const rows = vectorsAt(engine, model, places.input, value, positions, "d_in");
    return dictionary.centred ? engine.center(rows, "d_in") : rows;
  });
  owned.push(x);
  const sparse = role === "block" ? undefined : await encode(engine, dictionary, x);
  const [stream, written, value] = [places.input.site, site, placed.value].map((at) =>
    trace.get(at),
  );
  return {
    ...{ ...placed, positions, x, sparse, sigma: trace.get(`${site}_norm`) },
    ...{ stream: stream as T, written: written as T, seen: value as T }, // they were asked for
  };
}

function expansionOf<T extends Shaped>(
  ops: Ops<T>,
  original: Model<T>,
  tokens: readonly number[],
  reads: readonly Read<T>[],
  chosen: (layer: number) => readonly number[] | undefined,
): { readonly expansion: DictionaryRun<T>; readonly own: unknown } {
  const blocks = new Map(blocksOf(original).map((block) => [block.name, block]));
  const ofBlock = ({ block }: Read<T>): Block<T> => blocks.get(block?.name ?? "") as Block<T>; // a place has one
  const replaced = new Map<string, Replaced<T>>();
  const held = new Map<string, Block<T>>();
  for (const read of reads) {
    const block = ofBlock(read);
    if (read.role === "write" || read.role === "mixed")
      held.set(block.name, heldBlock(ops, block, read.written));
    if (read.role === "block" && block.kind === "mlp") {
      const { dictionary } = read;
      const some = chosen(block.layer);
      const own = some === undefined ? dictionary : onlyFeatures(ops, dictionary, some);
      replaced.set(block.name, replacedBy(ops, block, { ...read, dictionary: own }, tokens.length));
    }
  }
  const live = withBlocks(
    original,
    new Map([...replaced].map(([name, { block }]) => [name, block])),
  );
  const model = withBlocks(live, held);
  const run = frozenRun(ops, model, tokenIds(tokens));
  const units = new Map(
    reads.flatMap(({ role, block, dictionary }) => {
      if (role !== "block" || block === undefined) return [];
      return [[block.layer, unitNames(block.layer, dictionary, chosen(block.layer))] as const];
    }),
  );
  const normed = [...replaced.values()].some(({ block }) => block.writeNorm !== undefined);
  const level = featureLevel(units, original.architecture.layers, normed);

  const given = reads.map((read): Sources<T> => {
    const { name, enters, site, role } = read;
    const sparse = read.sparse as SparseActivations; // all but blocks have them
    const parts =
      role === "block"
        ? constantsOf(ops, run, replaced.get(name) as Replaced<T>) // every MLP was
        : role === "mixed"
          ? mixedParts(ops, original, ofBlock(read) as AttentionBlock<T>, { ...read, sparse }) // heads are of one
          : writtenParts(ops, ofBlock(read), { ...read, sparse });
    return {
      ...{ enters, site, byPosition: true },
      degree: read.role === "stream" ? 0 : 1,
      names: parts.names.map((part) => `${name}.${part}`),
      values: parts.values,
    };
  });
  const stream = reads.find(({ role }) => role === "stream");
  const known = new Set([...replaced.keys(), ...held.keys()].map((name) => `bias:${name}`));
  const rest = allSources(ops, model, run, { byPosition: true }).filter(
    ({ names, enters, degree }) =>
      !names.some((name) => known.has(name)) &&
      (stream === undefined || (enters > stream.enters && degree === 1)),
  );
  const kept = given.filter(
    ({ enters }, i) => stream === undefined || reads[i] === stream || enters > stream.enters,
  );
  const sources = [...rest, ...kept].sort((a, b) => a.enters - b.enters);
  return {
    expansion: { model, live, run, sources, level },
    own: { run, sources, given, replaced: [...replaced.values()].map(ownOf), held: heldOnly(held) },
  };
}

/** What held blocks hold that is not their model's. */
function heldOnly<T>(held: ReadonlyMap<string, Block<T>>): unknown {
  return [...held.values()].map((block) =>
    block.kind === "attn" ? block.W_V : [block.W_in, block.W_out],
  );
}
