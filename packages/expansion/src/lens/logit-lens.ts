import {
  type PromptOptions,
  type PromptResult,
  pause,
  promptResult,
  type TargetFacts,
  type TopToken,
  targetFacts,
  topTokens,
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
  type Model,
  plainSites,
  recordedStream,
  type Site,
  type Target,
  targetAt,
  tokenIds,
  unembed,
} from "@resolvent/transformer";
import { carried, type JacobianTensors, jacobianTensors, type NamedLens } from "./jacobian-lens.ts";

/** What the stream says at a point, read out as if the model ended there. */
export interface LensPoint {
  /** `embed`, or the block after which the stream is read: `L0.attn`. */
  readonly after: string;
  /** By position: the value of the target, the final norm recomputed. */
  readonly values: readonly number[];
  /** By position: the likeliest next tokens, the likeliest first; one each. */
  readonly top: readonly (readonly TopToken[])[];
}

/** A target along the layers and positions of a run: plain data. */
export interface LogitLens extends PromptResult<"logit-lens"> {
  /** What is asked, and the model's own answer at the last position. */
  readonly target: TargetFacts;
  /** From the embedding to the end; the last is the model's own answer. */
  readonly points: readonly LensPoint[];
  /** The Jacobian lens that streams were carried to the end by; absent where they were read as they are. */
  readonly through?: LensFacts;
}

/** A Jacobian lens, without its numbers. */
export interface LensFacts {
  readonly name: string;
  /** How many prompts it is the mean over. */
  readonly prompts: number;
  readonly layers: readonly number[];
}

export interface LogitLensOptions extends PromptOptions {
  /** Default the two likeliest tokens at the last position. */
  readonly target?: Target | undefined;
  /**
   * Reads `J_l h` in place of `h`, behind the layers that this lens has, and the end as it is (Gurnee et al. 2026).
   * Default: all points as they are.
   */
  readonly through?: NamedLens | undefined;
}

/**
 * The logit lens of a target (nostalgebraist 2020): the stream after every block, at every position, through the
 * final norm and the unembedding; or, `through` a Jacobian lens, what it becomes at the end to first order, on average.
 *
 * ```ts
 * const { points } = await logitLens(cpu, model, ids, { target: { a, b } });
 * points[3].values.at(-1);      // the logit difference after the third block, at the last position
 * points[3].top.at(-1);         // and the likeliest token there
 * ```
 *
 * @throws InputError what a run throws, `expansion/other-lens`; the signal's reason where it is aborted
 */
export async function logitLens<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: LogitLensOptions = {},
): Promise<LogitLens> {
  const { text = String, signal, onProgress, through } = options;
  signal?.throwIfAborted();
  const streams = engine.scope(() => {
    const lens = through && jacobianTensors(engine, model, through);
    return readStreams(engine, lensStreams(engine, model, tokens), lens);
  });
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
      ...promptResult("logit-lens", engine, model, tokens, { text: options.text }),
      target: targetFacts(target, points.at(-1)?.values.at(-1) ?? Number.NaN, text),
      points,
      ...(through && { through: lensFacts(through) }),
    };
  } finally {
    engine.free(streams);
  }
}

/** The stream at a point of a run: `embed`, or behind the block of that name. */
export interface StreamPoint<T> {
  readonly after: string;
  readonly stream: T;
}

/** The stream of a run at its start and after each block. */
export function lensStreams<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
): StreamPoint<T>[] {
  const trace = new Map<Site, T>();
  const chosen = (site: Site): boolean => site === "embed" || site.endsWith(".after");
  recordedStream(ops, model, tokenIds(tokens), chosen, trace);
  return [...trace].map(([site, stream]) => ({ after: site.replace(/\.after$/, ""), stream }));
}

/** What is read out of streams: all of them as they are, or, through a lens, those that it carries to the end, and the end. */
export function readStreams<T extends Shaped>(
  ops: Ops<T>,
  streams: readonly StreamPoint<T>[],
  lens: JacobianTensors<T> | undefined,
): readonly StreamPoint<T>[] {
  if (lens === undefined) return streams;
  return streams.flatMap(({ after, stream }, i) => {
    const J = lens.get(after);
    if (i === streams.length - 1) return [{ after, stream }];
    return J === undefined ? [] : [{ after, stream: carried(ops, J, stream) }];
  });
}

function lensFacts({ name, prompts, jacobians }: NamedLens): LensFacts {
  return { name, prompts, layers: [...jacobians.keys()].sort((a, b) => a - b) };
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
      const top = await topTokens(engine, made.logits, { count: 1, text });
      return { values: await readNumbers(engine, made.target), top };
    },
  );
}

/** What a stream says of the target and of all tokens, at each position: `pos` and `pos, vocab`. */
export function lensProducts<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  stream: T,
  target: Target,
): { readonly target: T; readonly logits: T } {
  const logits = unembed(ops, model, stream, plainSites());
  const asRows = ops.split(stream, "pos", {
    row: sizeAlong(stream.shape, "pos", "logitLens"),
    pos: 1,
  });
  return {
    target: targetAt(ops, model, asRows, target),
    logits: ops.arrange(logits, ["pos", "vocab"]),
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
