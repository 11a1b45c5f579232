import {
  type PromptOptions,
  type PromptResult,
  pause,
  promptResult,
  targetText,
} from "@resolvent/analysis";
import {
  type Engine,
  type Ops,
  readNumbers,
  type Shaped,
  sizeAlong,
  using,
} from "@resolvent/tensor";
import {
  likeliestTarget,
  logProbabilities,
  type Model,
  plainSites,
  recordedStream,
  type Site,
  type Target,
  targetAt,
  tokenIds,
  unembed,
} from "@resolvent/transformer";
import type { LikelyToken } from "../target-terms.ts";

/** What the stream says at a point, read out as if the model ended there. */
export interface LensPoint {
  /** `embed`, or the block after which the stream is read: `L0.attn`. */
  readonly after: string;
  /** By position: the target, the final norm recomputed. */
  readonly target: readonly number[];
  /** By position: the likeliest next token. */
  readonly likeliest: readonly LikelyToken[];
}

/** A target along the layers and positions of a run: plain data. */
export interface LogitLens extends PromptResult<"logit-lens"> {
  readonly target: Target;
  /** `logit " Mary" − " John"` */
  readonly readout: string;
  /** From the embedding to the end; the last is the model's own answer. */
  readonly points: readonly LensPoint[];
}

export interface LogitLensOptions extends PromptOptions {
  /** Default the two likeliest tokens at the last position. */
  readonly target?: Target | undefined;
}

/**
 * The logit lens of a target (nostalgebraist 2020): the stream after every block, at every position, through the
 * final norm and the unembedding.
 *
 * ```ts
 * const { points } = await logitLens(cpu, model, ids, { target: { a, b } });
 * points[3].target.at(-1);      // the logit difference after the third block, at the last position
 * points[3].likeliest.at(-1);   // and the likeliest token there
 * ```
 *
 * @throws InputError what a run throws; the signal's reason where it is aborted
 */
export async function logitLens<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: LogitLensOptions = {},
): Promise<LogitLens> {
  const { text = String, signal, onProgress } = options;
  signal?.throwIfAborted();
  const streams = engine.scope(() => lensStreams(engine, model, tokens));
  try {
    const last = streams.at(-1)?.stream as T; // the embedding at least
    const target = options.target ?? (await likeliest(engine, model, last));
    const points: LensPoint[] = [];
    for (const { after, stream } of streams) {
      points.push({ after, ...(await lensPoint(engine, model, stream, target, text)) });
      onProgress?.({ done: points.length, total: streams.length });
      await pause(signal);
    }
    return {
      ...promptResult("logit-lens", engine, model, tokens, options.text),
      target,
      readout: targetText(target, text),
      points,
    };
  } finally {
    engine.free(streams);
  }
}

/** The stream of a run at its start and after each block. */
export function lensStreams<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
): { readonly after: string; readonly stream: T }[] {
  const trace = new Map<Site, T>();
  const chosen = (site: Site): boolean => site === "embed" || site.endsWith(".after");
  recordedStream(ops, model, tokenIds(tokens), chosen, trace);
  return [...trace].map(([site, stream]) => ({ after: site.replace(/\.after$/, ""), stream }));
}

async function lensPoint<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  stream: T,
  target: Target,
  text: (id: number) => string,
): Promise<Omit<LensPoint, "after">> {
  return await using(
    engine,
    () => lensProducts(engine, model, stream, target),
    async (made) => {
      const { indices, values } = await engine.top(made.logProbabilities, "vocab", 1);
      return {
        target: await readNumbers(engine, made.target),
        likeliest: Array.from(indices.data, (id, pos) => ({
          ...{ id, text: text(id) },
          probability: Math.exp(values.data[pos] ?? Number.NaN),
        })),
      };
    },
  );
}

/** What a stream says of the target and of all tokens, at each position: `pos` and `pos, vocab`. */
export function lensProducts<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  stream: T,
  target: Target,
): { readonly target: T; readonly logProbabilities: T } {
  const logits = unembed(ops, model, stream, plainSites());
  const asRows = ops.split(stream, "pos", {
    row: sizeAlong(stream.shape, "pos", "logitLens"),
    pos: 1,
  });
  return {
    target: targetAt(ops, model, asRows, target),
    logProbabilities: ops.arrange(logProbabilities(ops, logits), ["pos", "vocab"]),
  };
}

async function likeliest<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  stream: T,
): Promise<Target> {
  return await using(
    engine,
    () => {
      const end = sizeAlong(stream.shape, "pos", "logitLens");
      return unembed(engine, model, engine.slice(stream, "pos", end - 1, end), plainSites());
    },
    (logits) => likeliestTarget(engine, logits),
  );
}
