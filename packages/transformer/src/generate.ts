import { drawing, type Engine, InputError, type Shaped, type Top } from "@resolvent/tensor";
import { checkTokens, tokenIds, unembed } from "./embedding.ts";
import { noSite } from "./known-sites.ts";
import type { Model } from "./model.ts";
import { residualStream } from "./residual-stream.ts";
import { plainSites, type Replacements, replacing, type Site, type Sites } from "./sites.ts";

/** How a text is continued. */
export interface SamplingOptions {
  /** How many tokens at most; default: as many as the context takes. */
  readonly maxTokens?: number;
  /** Divides the logits before sampling; 0 (default) takes the likeliest token each time. */
  readonly temperature?: number;
  /** Samples among the `topK` likeliest tokens; default all. */
  readonly topK?: number | undefined;
  /** Samples among the likeliest tokens that together reach this probability; default 1. */
  readonly topP?: number | undefined;
  /** Of the random numbers; default 0. */
  readonly seed?: number;
  /** Tokens that end the text (and are not given); default the model's end-of-text tokens. */
  readonly stop?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface GenerateOptions<T = never> extends SamplingOptions {
  /** New values at named sites of each step, whose first position is `start`; default none. */
  readonly replace?: ((start: number) => Replacements<T>) | undefined;
}

/**
 * Continues a text, token by token. Keys and values of earlier positions are kept, so each token costs one
 * position.
 *
 * ```ts
 * for await (const id of generate(cpu, model, ids, { maxTokens: 50 })) out.write(tokenizer.token(id));
 * ```
 *
 * @throws InputError `transformer/bad-sampling`, `transformer/no-site`, and what `run` throws for tokens
 */
export async function* generate<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  prompt: readonly number[],
  options: GenerateOptions<T> = {},
): AsyncGenerator<number> {
  checkSampling(options);
  checkTokens(model, tokenIds(prompt), 0);
  const room = model.architecture.context - prompt.length;
  const limit = Math.min(options.maxTokens ?? room, room);
  const stop = options.stop ?? model.architecture.eos;
  const random = drawing(options.seed ?? 0);
  let cache = new Map<Site, T>();
  try {
    let fresh: readonly number[] = prompt;
    let start = 0;
    for (let made = 0; made < limit; made++) {
      options.signal?.throwIfAborted();
      const step = engine.scope(() => {
        const next = new Map<Site, T>();
        const met = new Set<Site>();
        const replaced = (inner: Sites<T>, from: number): Sites<T> =>
          options.replace === undefined ? inner : replacing(inner, options.replace(from), met);
        const sites = replaced(cached(engine, cache, next), start);
        const residual = residualStream(engine, model, tokenIds(fresh), sites, start);
        const end = fresh.length;
        const last = engine.slice(residual, "pos", end - 1, end);
        const logits = unembed(engine, model, last, replaced(plainSites<T>(), start + end - 1));
        const asked = Object.keys(options.replace?.(start) ?? {});
        const unmet = asked.find((site) => !met.has(site));
        if (unmet !== undefined) throw noSite(model, unmet, { exact: true });
        return { logits, next };
      });
      engine.free(cache);
      cache = step.next;
      const ranked = await engine.top(step.logits, "vocab", ranks(model, options));
      engine.free(step.logits);
      start += fresh.length;
      const id = pick(ranked, options, random);
      if (stop.includes(id)) return;
      yield id;
      fresh = [id];
    }
  } finally {
    engine.free(cache);
  }
}

/** Puts the keys and values of earlier positions before the new ones. */
function cached<T extends Shaped>(
  ops: Engine<T>,
  past: ReadonlyMap<Site, T>,
  next: Map<Site, T>,
): Sites<T> {
  return {
    wants: () => false,
    held: next,
    at: (site, compute) => {
      if (!site.endsWith(".key") && !site.endsWith(".value")) return compute();
      const before = past.get(site);
      const all = before === undefined ? compute() : ops.concat([before, compute()], "key_pos");
      next.set(site, all);
      return all;
    },
  };
}

/** How many of the likeliest tokens one is chosen from. */
function ranks<T extends Shaped>({ architecture }: Model<T>, options: SamplingOptions): number {
  const { temperature = 0, topK = architecture.vocab } = options;
  return temperature === 0 ? 1 : Math.min(topK, architecture.vocab);
}

/** The next token, of the likeliest at one position. */
function pick({ indices, values }: Top, options: SamplingOptions, random: () => number): number {
  const { temperature = 0, topP = 1 } = options;
  const [best = 0] = values.data;
  const weights = Array.from(indices.data, (id, rank) => ({
    id,
    // As many values as indices.
    weight: temperature === 0 ? 1 : Math.exp(((values.data[rank] as number) - best) / temperature),
  }));
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  let kept = 0;
  let mass = 0;
  for (const { weight } of weights) {
    if (kept > 0 && mass >= topP * total) break;
    mass += weight;
    kept++;
  }
  let left = random() * mass;
  for (const { id, weight } of weights.slice(0, kept)) {
    left -= weight;
    if (left < 0) return id;
  }
  return weights[kept - 1]?.id ?? 0;
}

function checkSampling(options: SamplingOptions): void {
  const check = (
    name: keyof SamplingOptions,
    good: (value: number) => boolean,
    what: string,
  ): void => {
    const value = options[name];
    if (typeof value === "number" && !good(value)) {
      throw new InputError({
        code: "transformer/bad-sampling",
        message: `${name} should be ${what}, got ${value}.`,
        details: { option: name, got: value },
      });
    }
  };
  check("temperature", (t) => t >= 0 && t < Number.POSITIVE_INFINITY, "0 or more");
  check("topK", (k) => Number.isInteger(k) && k >= 1, "a whole number from 1");
  check("topP", (p) => p > 0 && p <= 1, "above 0 and at most 1");
  check("maxTokens", (n) => Number.isInteger(n) && n >= 0, "a whole number from 0");
}
