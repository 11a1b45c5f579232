import { hostValue, InputError, type Tensor, type Value } from "@resolvent/tensor";
import type { SiteAxes, SiteName } from "@resolvent/transformer";
import { didYouMean, nearestNames } from "@resolvent/weights";

/** A token as it reads: `id:5` where it has no text. */
export interface Token {
  readonly id: number;
  readonly text: string;
}

/** A token that may come next. */
export interface Candidate extends Token {
  readonly logit: number;
  readonly probability: number;
}

/** The value at a site, its axes part of its type where the site's name tells them. */
type SiteValue<Site extends string, Batch extends string> = [Site] extends [never]
  ? Value
  : Site extends string
    ? string extends SiteAxes<Site>
      ? Value
      : Value<SiteAxes<Site> | Batch>
    : never;

/** One for the text that was run, or one for each of its rows. */
type Each<Batch extends string, V> = [Batch] extends [never] ? V : V[];

/**
 * What a run gave, read for the user: nothing of it is on the engine any more.
 *
 * Its type knows the axes: `Site` are the names or patterns of the sites that were asked for, `Batch` is `"batch"` where
 * several rows were run.
 */
export interface LanguageRun<Site extends string = string, Batch extends string = never> {
  readonly tokens: Each<Batch, readonly Token[]>;
  readonly logits: Value<"pos" | "vocab" | Batch>;
  /** The values of the sites that were asked for, by name, in the order of the run. */
  readonly trace: ReadonlyMap<SiteName, SiteValue<Site, Batch>>;
  /**
   * The value at one of them.
   *
   * ```ts
   * run.site("L0.attn.pattern").at({ head: 1, pos: 3, key_pos: 0 });
   * ```
   *
   * @throws InputError `resolvent/not-kept`
   */
  site<Name extends SiteName>(name: Name): SiteValue<Name, Batch>;
  /** The likeliest tokens after the last one, with what the model gives them; default 5. */
  next(count?: number): Each<Batch, readonly Candidate[]>;
}

/** A run from what was read of it. */
export function languageRun<Site extends string, Batch extends string>(
  rows: readonly (readonly Token[])[],
  isBatch: boolean,
  { logits, trace }: { readonly logits: Tensor; readonly trace: ReadonlyMap<string, Tensor> },
  text: (id: number) => string,
): LanguageRun<Site, Batch> {
  const each = <V>(of: readonly V[]): Each<Batch, V> => (isBatch ? of : of[0]) as Each<Batch, V>; // as it was asked
  const values = new Map([...trace].map(([site, value]) => [site, hostValue(value)]));
  const scores = hostValue(logits);
  return {
    tokens: each(rows),
    logits: scores as unknown as Value<"pos" | "vocab" | Batch>, // those are the axes of logits
    trace: values as unknown as LanguageRun<Site, Batch>["trace"], // by the sites that were asked for
    site: <Name extends SiteName>(name: Name) => {
      const value = values.get(name);
      if (value === undefined) throw notKept(name, [...values.keys()]);
      return value as unknown as SiteValue<Name, Batch>; // the value of that site
    },
    next: (count = 5) => {
      const last = scores.at({ pos: -1 }) as Value; // there is the vocabulary left
      const own = isBatch ? (last.rows("batch") as Value[]) : [last];
      return each(own.map(({ data }) => likeliest(data, count, text)));
    },
  };
}

function notKept(site: string, kept: readonly string[]): InputError {
  const meant = didYouMean(nearestNames(site, kept).slice(0, 1));
  return new InputError({
    code: "resolvent/not-kept",
    message: `The run has kept no value of "${site}"; it has kept ${kept.length} sites.`,
    remedy: `${meant}Ask for it: lm.run(text, { sites: ["${site}"] }).`,
    details: { site, kept },
  });
}

/** The tokens with the largest logits, the lower id first where they are equal. */
function likeliest(
  logits: Tensor["data"],
  count: number,
  text: (id: number) => string,
): readonly Candidate[] {
  const order = Array.from(logits.keys()).sort(
    (a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b,
  );
  const best = logits[order[0] ?? 0] ?? 0;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - best);
  return order.slice(0, count).map((id) => {
    const logit = logits[id] ?? Number.NaN; // an id is within
    return { id, text: text(id), logit, probability: Math.exp(logit - best) / total };
  });
}
