import type { GateKind, Shaped } from "@resolvent/tensor";
import { cost, type Priced } from "@resolvent/tensor";
import type { Lanes } from "./lanes.ts";
import type { RotarySpec } from "./rotary.ts";
import type { Warning } from "./warning.ts";

/** The activation of an MLP: one of the gates, or `solu`, `z·softmax(z)` (Elhage et al. 2022). */
export type Activation = GateKind | "solu";

/** What is written down about a model besides its weights. */
export interface Architecture {
  /** `model_type` of its config.json. */
  readonly family: string;
  readonly layers: number;
  readonly d_model: number;
  readonly heads: number;
  /** Key-value heads; each serves `heads / kv_heads` heads. */
  readonly kv_heads: number;
  readonly d_head: number;
  /** 0 for attention-only models. */
  readonly d_mlp: number;
  readonly vocab: number;
  /** Longest input. */
  readonly context: number;
  /** Attention and MLP of a layer read the same point. */
  readonly parallel: boolean;
  readonly norm: "layer" | "rms" | "none";
  /** Blocks have a norm of what they write too; not where absent. */
  readonly writeNorms?: true;
  /** The soft cap of attention scores; none where absent. */
  readonly scoreCap?: number;
  /** The soft cap of logits; none where absent. */
  readonly logitCap?: number;
  readonly positions: "learned" | "rotary" | "none";
  readonly activation: Activation | "none";
  readonly gatedMlp: boolean;
  /** The unembedding is the embedding. */
  readonly tied: boolean;
  readonly bos: number | undefined;
  readonly eos: readonly number[];
}

/** LayerNorm or RMSNorm: `γ · P x / σ + β`, `P` centring for `layer` and the identity for `rms`. */
export interface NormWeights<T> {
  readonly kind: "layer" | "rms";
  readonly eps: number;
  readonly scale?: T;
  readonly bias?: T;
  /** Where σ is `times · √(mean((P x)²) + eps) + plus`: dictionaries divide by the deviation with d − 1, and 1e-5. */
  readonly deviation?: { readonly times: number; readonly plus: number };
}

interface BlockBase<T> {
  /** `L0.attn`, `L0.mlp`. */
  readonly name: string;
  readonly layer: number;
  readonly norm?: NormWeights<T>;
  /** A norm of what the block writes (Gemma), over `d_model`. No family has one beside `b_O`, `b_out`, or a bias of its own. */
  readonly writeNorm?: NormWeights<T>;
  /** Of a stream of lanes: what the block sees of it. What it writes goes to the first; an MLP's W_out is as wide as all. */
  readonly lanes?: Lanes;
}

/** An attention block. Heads are counted by (kv_head, group): head = kv_head · groups + group. */
export interface AttentionBlock<T> extends BlockBase<T> {
  readonly kind: "attn";
  /** `d_model, kv_head, group, d_head`, in any memory order. */
  readonly W_Q: T;
  /** `d_model, kv_head, d_head` */
  readonly W_K: T;
  readonly W_V: T;
  /** `kv_head, group, d_head, d_model` */
  readonly W_O: T;
  readonly b_Q?: T;
  readonly b_K?: T;
  readonly b_V?: T;
  readonly b_O?: T;
  /** Norms over `d_head` of queries and keys. */
  readonly queryNorm?: NormWeights<T>;
  readonly keyNorm?: NormWeights<T>;
  /** What scores are multiplied with, mostly `1/√d_head`. */
  readonly scoreScale: number;
  /** Scores are capped softly, `cap · tanh(score / cap)`, before the mask; not where absent. */
  readonly scoreCap?: number;
  /** How many of the latest positions a query sees; all where absent. */
  readonly window?: number;
  readonly rotary?: RotarySpec;
}

export interface MlpBlock<T> extends BlockBase<T> {
  readonly kind: "mlp";
  readonly activation: Activation;
  /** `d_model, d_mlp`, in any memory order; `d_mlp` is the block's own where its units are not the model's neurons. */
  readonly W_in: T;
  readonly b_in?: T;
  /** Present in gated MLPs, `φ(W_gate x) · W_in x`. */
  readonly W_gate?: T;
  readonly b_gate?: T;
  readonly W_out: T;
  readonly b_out?: T;
  /** A norm between activation and W_out. */
  readonly postNorm?: NormWeights<T>;
  /** `d_mlp`: a unit passes where `z > θ` (JumpReLU), whatever `activation` says. */
  readonly threshold?: T;
  /** With thresholds: which units are open is a choice among them. */
  readonly choice?: UnitChoice;
  /** With thresholds: what the first so many units pass is bent, `tanh z` in place of `z`; none where absent. */
  readonly bent?: number;
  /** A second norm of what the MLP reads, behind `norm`: a dictionary's, over `d_model`. No family has one; its σ is the site `input_norm`. */
  readonly inputNorm?: NormWeights<T>;
  /** With thresholds: what the gate is multiplied with, `pos`, or `pos, d_mlp`: units, or positions, that are closed. */
  readonly mask?: T;
}

/** Of the first `units`, as `groups` of neighbours, the `each` largest of every group pass (TopK); all units after them do. */
export interface UnitChoice {
  readonly units: number;
  readonly groups: number;
  readonly each: number;
}

export type Block<T> = AttentionBlock<T> | MlpBlock<T>;

/**
 * Stages in order: the blocks of one stage read the same point of the stream. An array, or, for a model that
 * streams, something that reads the weights of each stage when it is reached and frees them after it; so go
 * through it with `for … of`, and keep nothing of a stage.
 */
export interface Stages<T> extends Iterable<readonly Block<T>[]> {
  readonly length: number;
}

/** A transformer: what it is and its weights, as values of an interpreter. */
export interface Model<T extends Shaped> {
  readonly name: string;
  /** SHA-256 of the weights as stored, where it has been computed. */
  readonly sha256?: string;
  /**
   * What its files say that is not as the model is computed, and weights that are not finite; absent where there is
   * nothing to say. The list of a model that streams gets longer while it runs.
   */
  readonly warnings?: readonly Warning[];
  readonly architecture: Architecture;
  readonly embed: {
    /** `vocab, d_model` */
    readonly W_E: T;
    /** What rows of W_E are multiplied with when tokens are embedded; 1 where absent. */
    readonly scale?: number;
    /** `context, d_model`, where positions are learned. */
    readonly W_pos?: T;
    /** Of a stream of lanes. */
    readonly lanes?: Lanes;
  };
  /** The blocks by stage, in order. */
  readonly stages: Stages<T>;
  readonly final: {
    readonly norm?: NormWeights<T>;
    /** `d_model, vocab`, in any memory order. */
    readonly W_U: T;
    readonly b_U?: T;
    /** Logits are capped softly, `cap · tanh(logit / cap)`; not where absent. Readouts are taken before. */
    readonly cap?: number;
    /** Of a stream of lanes: all are open at the end. */
    readonly lanes?: Lanes;
  };
}

/** All blocks in execution order, of a model that is in memory. */
export function blocksOf<T extends Shaped>(model: Model<T>): Block<T>[] {
  return [...model.stages].flat();
}

/** A block without any of its constants: with its gates frozen it is the linear part `A_i` of the block. */
export function withoutBiases<T>(block: Block<T>): Block<T> {
  const norm = block.norm && withoutBias(block.norm);
  const writeNorm = block.writeNorm && withoutBias(block.writeNorm);
  if (block.kind === "attn") {
    const { b_Q, b_K, b_V, b_O, queryNorm, keyNorm, ...rest } = block;
    return {
      ...rest,
      ...(norm && { norm }),
      ...(writeNorm && { writeNorm }),
      ...(queryNorm && { queryNorm: withoutBias(queryNorm) }),
      ...(keyNorm && { keyNorm: withoutBias(keyNorm) }),
    };
  }
  const { b_in, b_gate, b_out, postNorm, ...rest } = block;
  return {
    ...rest,
    ...(norm && { norm }),
    ...(writeNorm && { writeNorm }),
    ...(postNorm && { postNorm: withoutBias(postNorm) }),
  };
}

function withoutBias<T>(norm: NormWeights<T>): NormWeights<T> {
  const { bias, ...rest } = norm;
  return rest;
}

/** Whether a block has a constant that reaches its output: then its `c_i` is a source of paths. */
export function hasBiases<T>(block: Block<T>): boolean {
  const own =
    block.kind === "attn"
      ? [block.b_V, block.b_O]
      : [block.b_in, block.b_out, block.postNorm?.bias];
  return [block.norm?.bias, block.writeNorm?.bias, ...own].some((bias) => bias !== undefined);
}

/** The same model, in memory, with every weight passed through `f`: onto a tape, to another engine, to shapes. */
export function mapWeights<A extends Shaped, B extends Shaped>(
  model: Model<A>,
  f: (weight: A, name: string) => B,
): Model<B> {
  // A weight that stands in two places (a tied embedding) stays one weight.
  const known = new Map<A, B>();
  const once = (weight: A, path: string): B => {
    const value = known.get(weight) ?? f(weight, path);
    known.set(weight, value);
    return value;
  };
  const { architecture, name, sha256, warnings, stages, embed, final } = model;
  return {
    architecture,
    name,
    ...(sha256 !== undefined && { sha256 }),
    ...(warnings !== undefined && { warnings }),
    embed: walk(embed, "embed", once) as Model<B>["embed"],
    stages: [...stages].map((stage) => stage.map((block) => mapBlock(block, once))),
    final: walk(final, "final", once) as Model<B>["final"],
  };
}

/** The same block with every weight passed through `f`. */
export function mapBlock<A extends Shaped, B extends Shaped>(
  block: AttentionBlock<A>,
  f: (weight: A, name: string) => B,
): AttentionBlock<B>;
export function mapBlock<A extends Shaped, B extends Shaped>(
  block: Block<A>,
  f: (weight: A, name: string) => B,
): Block<B>;
export function mapBlock<A extends Shaped, B extends Shaped>(
  block: Block<A>,
  f: (weight: A, name: string) => B,
): Block<B> {
  return walk(block, block.name, f) as Block<B>;
}

/** Weights are exactly the values that have a shape; everything else in a model is a plain setting. */
function walk<A extends Shaped, B>(
  value: object,
  path: string,
  f: (weight: A, name: string) => B,
): unknown {
  if ("shape" in value) return f(value as A, path); // that is what a weight is
  const parts = Object.entries(value).map(([key, part]): [string, unknown, unknown] => {
    const isObject = typeof part === "object" && part !== null;
    return [key, part, isObject ? walk(part, `${path}.${key}`, f) : part];
  });
  // Settings without weights stay the same objects: rotation tables are made once for each spec.
  if (parts.every(([, part, mapped]) => mapped === part)) return value;
  return Object.fromEntries(parts.map(([key, , mapped]) => [key, mapped]));
}

/** The shapes of a model. */
export function shapesOf<T extends Shaped>(model: Model<T>): Model<Priced> {
  const ops = cost();
  return mapWeights(model, ({ shape }) => ops.given(shape));
}
