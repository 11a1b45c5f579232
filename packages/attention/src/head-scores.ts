import { pause, type WorkOptions } from "@resolvent/analysis";
import { type Engine, type Ops, readTogether, type Shaped } from "@resolvent/tensor";
import {
  type AttentionBlock,
  blockWrite,
  embed,
  type Model,
  plainSites,
  type Sites,
  tokenIds,
} from "@resolvent/transformer";
import { processingFor, readoutOf, throughWriteNorm } from "./processing.ts";
import type { Repeated } from "./repeated.ts";
import {
  repeatedQuestions,
  SCORES,
  type ScoreQuestions,
  textQuestions,
} from "./score-questions.ts";

/** Scores of all heads from runs, by layer and head. */
export interface HeadScores {
  /** Mean attention to the position before: `A[i, i−1]` over `i ≥ 1`. */
  readonly previousToken: readonly (readonly number[])[];
  /** Mean attention from the second copy to the same token in the first: `A[i, i−length]`. */
  readonly duplicateToken: readonly (readonly number[])[];
  /** Mean attention from the second copy to the token after the same in the first: `A[i, i−length+1]`. */
  readonly induction: readonly (readonly number[])[];
  /**
   * How much a head raises the logits of what it attends to: for each attended position the correlation, over the
   * tokens of `B`, of the logits that its value adds with 1 for its own token and 0 for others; the mean over
   * positions weighted by the attention they receive, the first token of a text left out. Null where a head
   * attends to nothing else.
   */
  readonly copying: readonly (readonly (number | null)[])[];
}

/** The numbers of one layer's heads, before they are means. */
interface LayerScores<T> {
  /** Attention to the place that each score looks at: `head, score` (previous, duplicate, induction). */
  readonly attended: T;
  /** `Σ` of received attention times correlation: `head`. */
  readonly copied: T;
  /** `Σ` of received attention: `head`. */
  readonly received: T;
}

/**
 * Scores of every head from one batched run on repeated random tokens (Elhage et al. 2021; Olsson et al. 2022,
 * whose copying score compares logits over the tokens of the sequence, too). The run is that of the model itself;
 * weight processing does not change it. It ends with the last layer's attention, and keeps one layer's patterns.
 *
 * @param options `onProgress` hears of layers
 */
export async function headScores<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  repeated: Repeated,
  options: WorkOptions = {},
): Promise<HeadScores> {
  return await scoresOf(engine, model, repeatedQuestions(repeated), options);
}

/** Scores of all heads on one text, by layer and head; null where the text has no place for one. */
export interface TextScores {
  /** As of `HeadScores`; null for a text of one token. */
  readonly previousToken: readonly (readonly (number | null)[])[];
  /** Mean attention to all earlier places of the same token, over positions that have one. */
  readonly duplicateToken: readonly (readonly (number | null)[])[];
  /** Mean attention to all places after those, over the same positions. */
  readonly induction: readonly (readonly (number | null)[])[];
  /** As of `HeadScores`, over the tokens of the text; the first position is left out. */
  readonly copying: readonly (readonly (number | null)[])[];
}

/**
 * Scores of every head on a text of one's own, in place of repeated random tokens. On these, where a token stands once
 * before at most, both give the same attention.
 *
 * ```ts
 * const { previousToken } = await textScores(engine, model, vocabulary.encode("Once upon a time"));
 * ```
 *
 * @param options `onProgress` hears of layers
 */
export async function textScores<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  ids: readonly number[],
  options: WorkOptions = {},
): Promise<TextScores> {
  const questions = textQuestions(ids);
  const found = await scoresOf(engine, model, questions, options);
  const [previous, duplicate, induction] = questions.places.map((places) => places > 0);
  const where = (has: boolean | undefined, scores: readonly (readonly number[])[]) =>
    has ? scores : scores.map((row) => row.map(() => null));
  return {
    previousToken: where(previous, found.previousToken),
    duplicateToken: where(duplicate, found.duplicateToken),
    induction: where(induction, found.induction),
    copying: found.copying,
  };
}

async function scoresOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  questions: ScoreQuestions,
  options: WorkOptions,
): Promise<HeadScores> {
  const { signal, onProgress } = options;
  /** The numbers of `LayerScores`, by layer. */
  const all: { looks: number[]; sums: number[]; weights: number[] }[] = [];
  const steps = eachLayer(engine, model, questions);
  try {
    for (const scores of steps) {
      const { attended, copied, received } = scores;
      const [looks, sums, weights] = await readTogether(engine, [attended, copied, received]);
      engine.free(scores);
      all.push({ looks, sums, weights });
      onProgress?.({ done: all.length, total: model.architecture.layers });
      await pause(signal);
    }
  } finally {
    steps.return();
  }
  const score = (i: number): number[][] =>
    all.map(({ looks }) => looks.filter((_, place) => place % SCORES === i));
  return {
    previousToken: score(0),
    duplicateToken: score(1),
    induction: score(2),
    copying: all.map(({ sums, weights }) =>
      sums.map((sum, head) => {
        const weight = weights[head] ?? 0;
        return weight > 0 ? sum / weight : null;
      }),
    ),
  };
}

/** What `headScores` computes, on shapes as well. */
export function outlineScores<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  repeated: Repeated,
): void {
  for (const _ of eachLayer(ops, model, repeatedQuestions(repeated))) void _;
}

/** What `textScores` computes, on shapes as well. */
export function outlineTextScores<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: readonly number[],
): void {
  for (const _ of eachLayer(ops, model, textQuestions(ids))) void _;
}

/** Runs layer by layer and gives each layer's scores, which the taker frees; the stream is freed at the end. */
function* eachLayer<T extends Shaped>(
  ops: Ops<T> & Partial<Pick<Engine<T>, "free">>,
  model: Model<T>,
  questions: ScoreQuestions,
): Generator<LayerScores<T>, void> {
  const ids = tokenIds(questions.sequences);
  const { choices } = questions;
  const targets = ops.constant(questions.targets.shape, questions.targets.data);
  const masks = ops.constant(questions.masks.shape, questions.masks.data);
  let stream = ops.scope(() => embed(ops, model, ids, plainSites()));
  let read = stream;
  let left = model.architecture.layers;
  try {
    for (const stage of model.stages) {
      for (const block of stage) {
        const [before, seen] = [stream, read];
        const found: LayerScores<T>[] = [];
        if (block.kind === "attn") left -= 1;
        const after = ops.scope(() => {
          const sites: Sites<T> =
            block.kind === "attn"
              ? scoring(ops, model, block, { masks, targets, choices }, found)
              : plainSites();
          const write = blockWrite(ops, block, seen, sites);
          return { stream: ops.add(before, write), found };
        });
        stream = after.stream;
        if (before !== read) ops.free?.(before);
        for (const scores of found) yield scores;
        if (left === 0) return; // no later block has a pattern
      }
      ops.free?.(read);
      read = stream;
    }
  } finally {
    ops.free?.([stream, masks, targets]);
    if (read !== stream) ops.free?.(read);
  }
}

interface Questions<T> {
  readonly masks: T;
  readonly targets: T;
  readonly choices: ScoreQuestions["choices"];
}

/** A run's sites that reduce a block's pattern and values to scores on the way. */
function scoring<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  block: AttentionBlock<T>,
  { masks, targets, choices }: Questions<T>,
  found: LayerScores<T>[],
): Sites<T> {
  let pattern: T | undefined;
  const { final } = model;
  const score = (A: T, value: T): LayerScores<T> =>
    ops.scope(() => {
      const attended = ops.sum(ops.matmul(A, masks, ["pos", "key_pos"]), ["batch"]);
      // What the values add to the logits of B's tokens, the final norm's denominator apart.
      const processing = processingFor(model, { centreWrites: false });
      const written = throughWriteNorm(ops, block.W_O, block.writeNorm, processing);
      const output = readoutOf(ops, final, written, processing);
      const tokens = ops.take(final.W_U, "vocab", choices);
      const readout = ops.matmul(output, tokens, ["d_model"]);
      const logits = ops.center(ops.matmul(value, readout, ["d_head"]), "choice");
      const spread = ops.scale(ops.rms(logits, "choice", TINY), Math.sqrt(choices.shape.choice));
      const aligned = ops.sum(ops.mul(logits, targets), ["choice"]);
      const correlation = ops.join(ops.div(aligned, spread), ["kv_head", "group"], "head");
      const received = ops.mul(ops.sum(A, ["pos"]), attendable(ops, targets));
      return {
        attended: ops.arrange(attended, ["head", "score"]),
        copied: ops.sum(ops.mul(received, correlation), ["batch", "key_pos"]),
        received: ops.sum(received, ["batch", "key_pos"]),
      };
    });
  return {
    wants: (site) => site === `${block.name}.pattern`,
    at: (site, compute) => {
      const value = compute();
      if (site === `${block.name}.pattern`) pattern = value;
      if (site === `${block.name}.value` && pattern !== undefined)
        found.push(score(pattern, value));
      return value;
    },
  };
}

/** Keeps a value of nothing from being divided by nothing; far below any square of a logit. */
const TINY = 1e-30;

/** 1 where a position has a target, 0 where not: `batch, key_pos`. */
function attendable<T extends Shaped>(ops: Ops<T>, targets: T): T {
  return ops.sum(ops.mul(targets, targets), ["choice"]);
}
