import { allSources, frozenRun, type Sources } from "@resolvent/paths";
import { type Engine, InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type Block,
  blockPlaces,
  blockWrite,
  type Lanes,
  type MlpBlock,
  type Model,
  plainSites,
  run as runModel,
  type Site,
  toFirstLane,
  tokenIds,
} from "@resolvent/transformer";
import type { CrossLayer, CrossLayerTranscoder, Dictionary } from "../dictionary.ts";
import { checkWidth, placesOf, positionsFor } from "../place.ts";
import type { DictionaryRun } from "./expansion.ts";
import { featureLevel, unitNames } from "./feature-level.ts";
import { replacedMlp } from "./replaced-block.ts";
import { constantsOf, coveredBy, ownOf, type Replaced } from "./replaced-mlp.ts";
import { withBlocks } from "./with-blocks.ts";

/**
 * Runs a model on tokens with a transcoder across layers in the places of all MLPs, for as long as `use` takes.
 *
 *     y_l = b_dec_l + Σ_{i ≤ l} a_i @ W_dec_i[:, l − i] + error_l
 *
 * A feature is one node of degree 1, `L0.F3`, of the block that its encoder stands in: that block reads the stream and
 * makes everything that the feature writes, here and later, so a path through the feature passes one block (MATHS: a
 * degree counts the functions of the stream on a path). What it writes at layer `l` is in the stream from there on: until
 * then it is in a lane of its own, which no block before sees. `L1.mlp.b_enc` (through all its decoders, with the norm's
 * β), `L1.mlp.b_dec` and `L1.mlp.error` are sources of degree 1 of the layer where they are written.
 *
 * Streams of this model and run have `layers` lanes, one behind the other along `d_model`; `sourceStreams` gives what is
 * seen of them.
 *
 * @throws InputError `dictionary/no-place` where it is not for every MLP of the model, `dictionary/not-affine`
 */
export async function withCrossLayer<T extends Shaped, R>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  transcoder: CrossLayerTranscoder<T>,
  use: (expansion: DictionaryRun<T>) => Promise<R>,
): Promise<R> {
  const layers = layersIn(model, transcoder);
  const made = engine.scope(() => expansionOf(engine, model, tokens, { transcoder, layers }));
  try {
    return await use(made.expansion);
  } finally {
    engine.free(made.own);
  }
}

/** Each layer as a transcoder of its own MLP, checked to be that. */
function layersIn<T extends Shaped>(
  model: Model<T>,
  transcoder: CrossLayerTranscoder<T>,
): Dictionary<T>[] {
  const { name, layout, trainedOn, zeroPositions, d_out } = transcoder;
  const mlps = blockPlaces(model.architecture)
    .flat()
    .filter(({ kind }) => kind === "mlp");
  const layers = transcoder.layers.map(
    ({ W_dec, ...layer }: CrossLayer<T>, i): Dictionary<T> => ({
      ...layer,
      ...{ name: `${name}, layer ${i}`, layout, trainedOn, zeroPositions, d_out },
      ...{ architecture: "cross-layer", W_dec, transcoder: true, centred: false, warnings: [] },
    }),
  );
  const odd = layers.find((layer, i) => {
    const { input, splice } = placesOf(model, layer);
    return input.site !== `${mlps[i]?.name}.read` || splice !== `${mlps[i]?.name}.write`;
  });
  if (odd === undefined && layers.length === mlps.length) {
    const { d_model } = model.architecture;
    for (const [i, layer] of layers.entries()) {
      checkWidth(layer, `${mlps[i]?.name}.read`, "d_in", d_model, layer.d_in);
      checkWidth(layer, `${mlps[i]?.name}.write`, "d_out", d_model, layer.d_out);
    }
    return layers;
  }
  throw new InputError({
    code: "dictionary/no-place",
    message: `${name} has ${layers.length} layers and the model ${mlps.length} MLPs${odd === undefined ? "" : `; ${odd.name} is not from what its MLP reads to what it writes`}.`,
    remedy: "A transcoder across layers stands for every MLP of its model, layer for layer.",
    details: { name, layers: layers.length, mlps: mlps.length },
  });
}

function expansionOf<T extends Shaped>(
  ops: Ops<T>,
  original: Model<T>,
  tokens: readonly number[],
  {
    transcoder,
    layers,
  }: { readonly transcoder: CrossLayerTranscoder<T>; readonly layers: readonly Dictionary<T>[] },
): { readonly expansion: DictionaryRun<T>; readonly own: unknown } {
  const model = withLanes(original, layers.length);
  const replaced = ops.scope(() => replacedIn(ops, original, tokens, { transcoder, layers }));
  const blocks = [...model.stages].flat().flatMap((block): [string, Block<T>][] => {
    const own = replaced.get(block.name);
    return own === undefined || block.lanes === undefined
      ? []
      : [[block.name, { ...own.block, lanes: block.lanes }]];
  });
  const live = withBlocks(model, new Map(blocks));
  const run = frozenRun(ops, live, tokenIds(tokens));
  const stages = new Map(
    blockPlaces(original.architecture)
      .flat()
      .map(({ name, stage }) => [name, stage]),
  );
  const given = [...replaced].map(([name, own]): Sources<T> => {
    const lanes = blocks.find(([of]) => of === name)?.[1].lanes;
    const block = { ...own.block, ...(lanes && { lanes }) };
    const { names, values } = constantsOf(ops, run, { ...own, block });
    return {
      ...{ enters: (stages.get(name) ?? 0) + 1, site: `${name}.write`, degree: 1 },
      byPosition: true,
      names: names.map((part) => `${name}.${part}`),
      values,
    };
  });
  const known = new Set([...replaced.keys()].map((name) => `bias:${name}`));
  const rest = allSources(ops, live, run, { byPosition: true }).filter(
    ({ names }) => !names.some((name) => known.has(name)),
  );
  const sources = [...rest, ...given].sort((a, b) => a.enters - b.enters);
  const units = new Map(layers.map((layer, i) => [i, unitNames(i, layer)] as const));
  const level = featureLevel(units, layers.length);
  const expansion = { model: live, live, run, sources, level };
  return { expansion, own: { run, sources, replaced: [...replaced.values()].map(ownOf) } };
}

/** The model on a stream of lanes: its own, and one for each later MLP, open to what reads after that. */
function withLanes<T extends Shaped>(model: Model<T>, count: number): Model<T> {
  const open = (layer: number): Lanes => ({ count, open: Math.max(1, layer) });
  const { architecture, embed, final } = model;
  return {
    ...model,
    architecture: { ...architecture, d_model: architecture.d_model * count },
    embed: { ...embed, lanes: open(0) },
    stages: [...model.stages].map((stage) =>
      stage.map((block) => ({ ...block, lanes: open(block.layer) })),
    ),
    final: { ...final, lanes: open(count) },
  };
}

/** MLPs as their features, which write to all lanes, and their constants; without the lanes that they read. */
function replacedIn<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
  {
    transcoder,
    layers,
  }: { readonly transcoder: CrossLayerTranscoder<T>; readonly layers: readonly Dictionary<T>[] },
): ReadonlyMap<string, Replaced<T>> {
  const count = layers.length;
  const ends = /\.mlp\.(read|write)$/;
  const { trace } = runModel(ops, model, tokens, { sites: (site) => ends.test(site) });
  const at = (site: Site): T => trace.get(site) as T; // every MLP comes by
  const mlps = [...model.stages]
    .flat()
    .filter((block): block is MlpBlock<T> => block.kind === "mlp");
  const positions = positionsFor({ zeroPositions: transcoder.zeroPositions }, tokens.length);
  /** What features write to each lane, layer by layer: `pos, lane, d_model`. */
  const writes: T[] = [];
  const laneOf = (wide: T, lane: number): T => {
    const each = ops.split(wide, "d_model", { lane: count, d_model: transcoder.d_out });
    return ops.sum(ops.slice(each, "lane", lane, lane + 1), ["lane"]);
  };
  const first = (x: T): T => toFirstLane(ops, { count, open: 1 }, x);
  return new Map(
    mlps.map((mlp, i): [string, Replaced<T>] => {
      const layer = layers[i] as Dictionary<T>; // as many
      const { mask, b_dec } = coveredBy(ops, layer, positions, tokens.length);
      const bias = first(mask === undefined ? ops.broadcast(b_dec, { pos: tokens.length }) : b_dec);
      const wide = {
        ...layer,
        d_out: transcoder.d_out * count,
        W_dec: wideDecoder(ops, layer, i, count),
      };
      const without = replacedMlp(ops, mlp, wide, { mask, b_out: bias });
      const own = blockWrite(ops, without, at(`${mlp.name}.read`), plainSites<T>());
      const earlier = i === 0 ? [] : writes.map((write) => laneOf(write, i));
      const made = earlier.reduce((sum, write) => ops.add(sum, write), laneOf(own, 0));
      writes.push(own);
      const error = first(ops.sub(at(`${mlp.name}.write`), made));
      return [mlp.name, { block: { ...without, b_out: ops.add(bias, error) }, b_dec: bias, error }];
    }),
  );
}

/** What features write, here to the first lane and later to the lanes of their layers: `feature, d_out` of all lanes. */
function wideDecoder<T extends Shaped>(
  ops: Ops<T>,
  { W_dec, name }: Pick<Dictionary<T>, "W_dec" | "name">,
  layer: number,
  count: number,
): T {
  const own = ops.arrange(W_dec, ["target", "d_out"]);
  const targets = sizeAlong(own.shape, "target", name);
  const parts = [
    ops.slice(own, "target", 0, 1),
    ...(layer > 0 ? [ops.fill({ ...own.shape, target: layer }, 0)] : []),
    ...(targets > 1 ? [ops.slice(own, "target", 1, targets)] : []),
  ];
  const all = parts.length === 1 ? (parts[0] as T) : ops.concat(parts, "target");
  if (layer + targets === count) return ops.join(all, ["target", "d_out"], "d_out");
  throw new InputError({
    code: "dictionary/no-place",
    message: `${name} writes to ${targets} layers; from layer ${layer} of ${count} there are ${count - layer}.`,
    remedy: "Check that its files belong together.",
    details: { layer, expected: count - layer, got: targets },
  });
}
