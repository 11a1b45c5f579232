import { type FrozenRun, stepNamed } from "@resolvent/paths";
import { InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  frozenAt,
  hasBiases,
  type MlpBlock,
  type Model,
  type Site,
} from "@resolvent/transformer";
import type { DictionaryRun } from "../expansion/expansion.ts";

/** An MLP that a transcoder replaces. */
export interface Replacement<T> {
  readonly layer: number;
  /** How many stages lie before it. */
  readonly stage: number;
  readonly block: MlpBlock<T>;
  /** Features of the transcoder: the first units of the block; others are of a skip. */
  readonly features: number;
  /** `pos, d_model`: what the features do not say of what the MLP has written. */
  readonly error: T;
  /** `pos, d_model`: what is added to the features, `b_dec` and what a skip makes of the norm's β. */
  readonly constant: T;
}

/**
 * A run whose features are cut from each other: what stands between two nodes of a graph is the stream, and the blocks
 * that are no nodes (attention, skips of transcoders, MLPs without transcoders), linear with the gates of the run.
 */
export interface ReplacedRun<T extends Shaped> {
  readonly model: Model<T>;
  readonly run: FrozenRun<T>;
  readonly replacements: readonly Replacement<T>[];
  /** What routes may pass, by stage. */
  readonly between: readonly (readonly Block<T>[])[];
  /** The gates of those. */
  readonly gates: ReadonlyMap<Site, T>;
  /** `x0`, `pos, d_model`. */
  readonly tokens: T;
  /** `pos, d_model` by stage: the constants of blocks that are no nodes. */
  readonly biases: ReadonlyMap<number, T>;
  /** What of all this is its own, and not the model's or the run's: to be freed. */
  readonly own: unknown;
}

/**
 * @throws InputError `dictionary/no-graph` where no MLP is replaced by a transcoder, and for dictionaries that are
 *   something else in the run
 */
export function replacedRun<T extends Shaped>(
  ops: Ops<T>,
  { model, run, sources, level }: DictionaryRun<T>,
): ReplacedRun<T> {
  const stages = [...model.stages];
  const gates = new Map(run.gates);
  const replacements: Replacement<T>[] = [];
  const biases = new Map<number, T>();
  const known = new Set<string>();
  const own: unknown[] = [biases];
  const partNamed = (name: string): T | undefined => {
    const group = sources.find(({ names }) => names.includes(name));
    if (group === undefined) return undefined;
    const at = group.names.indexOf(name);
    known.add(name);
    return flat(ops, ops.sum(ops.slice(group.values, "source", at, at + 1), ["source"]));
  };
  const between = stages.map((blocks, stage) =>
    blocks.flatMap((block): Block<T>[] => {
      const { name } = block;
      const error = block.kind === "mlp" ? partNamed(`${name}.error`) : undefined;
      if (block.kind === "attn" || error === undefined) {
        const bias = partNamed(`bias:${name}`);
        if (bias !== undefined) {
          const before = biases.get(stage);
          biases.set(stage, before === undefined ? bias : ops.add(before, bias));
        }
        return [block];
      }
      const units = sizeAlong(block.W_in.shape, "d_mlp", name);
      const skips = stepNamed(model, `L${block.layer}.S0`, level)?.part?.index ?? units;
      const skip = skips < units ? unitsFrom(ops, block, skips, units) : undefined;
      const b_dec = partNamed(`${name}.b_dec`);
      known.add(`${name}.b_enc`);
      if (skip !== undefined) {
        const gate = gates.get(`${name}.gate`) as T; // every run of an MLP has it
        const { W_in, W_out, b_in, threshold } = skip;
        const cut = ops.slice(gate, "d_mlp", skips, units);
        gates.set(`${name}.gate`, cut);
        own.push(cut, W_in, W_out, b_in, threshold);
      }
      const zero = ops.fill(run.embedding.shape, 0);
      const ofSkip =
        skip && hasBiases(skip) ? blockWrite(ops, skip, zero, frozenAt(gates)) : undefined;
      const parts = [b_dec, ofSkip].flatMap((part) => (part === undefined ? [] : [part]));
      const constant = flat(
        ops,
        parts.reduce((a, b) => ops.add(a, b), zero),
      );
      const { layer } = block;
      own.push(error, constant);
      replacements.push({ layer, stage, block, features: skips, error, constant });
      return skip === undefined ? [] : [skip];
    }),
  );
  const tokens = partNamed("embed");
  const others = sources.flatMap(({ names }) => names).filter((name) => !known.has(name));
  if (tokens === undefined || replacements.length === 0 || others.length > 0) {
    throw noGraph(replacements.length, others);
  }
  own.push(tokens);
  return { model, run, replacements, between, gates, tokens, biases, own };
}

function flat<T extends Shaped>(ops: Ops<T>, x: T): T {
  return ops.arrange(x, ["pos", "d_model"]);
}

/** An MLP with some of its units alone. */
function unitsFrom<T extends Shaped>(
  ops: Ops<T>,
  { mask: _mask, b_out: _b_out, ...block }: MlpBlock<T>,
  from: number,
  to: number,
): MlpBlock<T> {
  const some = (x: T): T => ops.slice(x, "d_mlp", from, to);
  const { W_in, W_out, b_in, threshold } = block;
  return {
    ...block,
    ...{ W_in: some(W_in), W_out: some(W_out) },
    ...(b_in && { b_in: some(b_in) }),
    ...(threshold && { threshold: some(threshold) }),
  };
}

function noGraph(replaced: number, others: readonly string[]): InputError {
  const features = others.find((name) => /\.F\d+$/.test(name)) ?? others[0];
  return new InputError({
    code: "dictionary/no-graph",
    message:
      features === undefined
        ? "No MLP is replaced by a transcoder, whose features a graph would have as nodes."
        : `${features} is of no transcoder of an MLP: nodes of a graph are features of those.`,
    remedy: "Give transcoders, best one for each MLP; effects by degree take SAEs as well.",
    details: { replaced, others },
  });
}
