import {
  axesOf,
  InputError,
  InternalError,
  inOrder,
  type Shaped,
  type SyncEngine,
  sizeAlong,
  type Tensor,
} from "@resolvent/tensor";
import { blocksOf, crossEntropy, type Model, run, tokenIds } from "@resolvent/transformer";

/** How much of a head's attention goes where, as means over rows and positions, 0 to 1 (Olsson et al. 2022). */
export interface HeadScores {
  /** `L1.H3` */
  readonly head: string;
  /** To the token before, wherever there is one. */
  readonly previousToken: number;
  /** In the second copy, to the same token in the first. */
  readonly duplicateToken: number;
  /** In the second copy, to what followed the same token in the first. */
  readonly induction: number;
}

/** Induction of the heads of layer 1 whose keys, and nothing else, go without some heads of layer 0. */
export interface KeysWithout {
  /** `L0.H2` */
  readonly without: readonly string[];
  /** Induction score by head of layer 1. */
  readonly induction: readonly number[];
}

/** How a two-layer model goes on with random tokens that it has seen once. */
export interface Induction {
  readonly rows: number;
  /** Tokens of the stretch that is repeated. */
  readonly length: number;
  /** Mean loss on the tokens of the first copy, nats. Even a perfect model is at ln(vocab). */
  readonly firstLoss: number;
  /** On those of the second copy, from its second on: where the copy begins cannot be told before. */
  readonly secondLoss: number;
  /** The share of the latter that are above every other token. */
  readonly secondTop1: number;
  readonly heads: readonly HeadScores[];
  /** K-composition, by intervention: without each head of layer 0 in turn, then without all of them. */
  readonly keys: readonly KeysWithout[];
}

/**
 * Measures induction on rows `<|endoftext|> B B`, as `repeatedTokens` makes them.
 *
 * @throws InputError `train/not-two-layers` for other than two layers of attention without norms: what a head
 * writes is taken out of later keys by subtraction.
 */
export function measureInduction<T extends Shaped>(
  engine: SyncEngine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
): Induction {
  const { heads, layers, d_mlp, norm } = model.architecture;
  const later = blocksOf(model)[1];
  if (layers !== 2 || norm !== "none" || later?.kind !== "attn") {
    throw new InputError({
      code: "train/not-two-layers",
      message: `Induction is measured on two layers of attention without norms, got ${layers} layers, d_mlp ${d_mlp}, norm ${norm}.`,
      details: { layers, d_mlp, norm },
    });
  }
  const ids = tokenIds(rows);
  const pos = sizeAlong(ids.shape, "pos", "measureInduction");
  const length = (pos - 1) / 2;
  const second = range(length + 1, pos);

  return engine.scope(() => {
    const plain = run(engine, model, rows, { sites: ["*.pattern", "L0.attn.head"] });
    const scoresOf = (layer: number): HeadScores[] => {
      const attention = readAttention(engine, plain.trace.get(`L${layer}.attn.pattern`));
      return range(0, heads).map((head) => ({
        head: `L${layer}.H${head}`,
        previousToken: attention(head, range(1, pos), 1),
        duplicateToken: attention(head, second, length),
        induction: attention(head, second, length - 1),
      }));
    };
    const written = present(plain.trace.get("L0.attn.head"));
    const keysWithout = (taken: readonly number[]): KeysWithout => {
      const without = (key: T): T =>
        taken.reduce((rest, head) => {
          const write = engine.sum(engine.slice(written, "head", head, head + 1), ["head"]);
          const part = engine.matmul(write, later.W_K, ["d_model"]);
          return engine.sub(rest, engine.rename(part, { pos: "key_pos" }));
        }, key);
      const { trace } = run(engine, model, rows, {
        sites: ["L1.attn.pattern"],
        replace: { "L1.attn.key": without },
      });
      const attention = readAttention(engine, trace.get("L1.attn.pattern"));
      return {
        without: taken.map((head) => `L0.H${head}`),
        induction: range(0, heads).map((head) => attention(head, second, length - 1)),
      };
    };
    const all = range(0, heads);
    return {
      rows: rows.length,
      length,
      ...lossesOf(engine, plain.logits, rows),
      heads: [...scoresOf(0), ...scoresOf(1)],
      keys: [...all.map((head) => [head]), all].map(keysWithout),
    };
  });
}

/** Loss on both copies, and how often the second is right. */
function lossesOf<T extends Shaped>(
  engine: SyncEngine<T>,
  logits: T,
  rows: readonly (readonly number[])[],
): Pick<Induction, "firstLoss" | "secondLoss" | "secondTop1"> {
  const before = sizeAlong(logits.shape, "pos", "lossesOf") - 1;
  const length = before / 2;
  const next = tokenIds(rows.map((row) => row.slice(1)));
  const asked = engine.slice(logits, "pos", 0, before);
  const losses = inOrder(engine.read(crossEntropy(engine, asked, next)), ["batch", "pos"]).data;
  const { data, shape } = inOrder(engine.read(asked), ["batch", "pos", "vocab"]);
  const vocab = sizeAlong(shape, "vocab", "lossesOf");
  const isTop = (at: number): boolean => {
    const own = data.subarray(at * vocab, (at + 1) * vocab);
    const answer = own[next.data[at] ?? 0] ?? Number.NaN;
    return own.filter((logit) => logit >= answer).length === 1;
  };
  const places = (from: number, to: number): number[] =>
    rows.flatMap((_, row) => range(from, to).map((at) => row * before + at));
  return {
    firstLoss: mean(places(0, length).map((at) => losses[at] ?? Number.NaN)),
    secondLoss: mean(places(length + 1, before).map((at) => losses[at] ?? Number.NaN)),
    secondTop1: mean(places(length + 1, before).map((at) => (isTop(at) ? 1 : 0))),
  };
}

/** Mean attention of a head from some positions to those a distance before them, over all rows. */
type Attention = (head: number, positions: readonly number[], distance: number) => number;

function readAttention<T extends Shaped>(engine: SyncEngine<T>, pattern: T | undefined): Attention {
  const read: Tensor = engine.read(present(pattern));
  const { shape, data } = inOrder(read, ["batch", "head", "pos", "key_pos"]);
  const [batch, heads, pos] = axesOf(shape).map((axis) => shape[axis] ?? 0);
  const [rows, perRow, size] = [batch ?? 0, heads ?? 0, pos ?? 0];
  return (head, positions, distance) =>
    mean(
      range(0, rows).flatMap((row) =>
        positions.map((i) => {
          const at = ((row * perRow + head) * size + i) * size + i - distance;
          return data[at] ?? Number.NaN;
        }),
      ),
    );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

/** A site that the run was asked to keep. */
function present<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new InternalError({ code: "train/no-site", message: "A site was asked for and not kept." });
}
