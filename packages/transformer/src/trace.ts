import {
  cost,
  type Engine,
  type Priced,
  type Shape,
  type Shaped,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import { encodeNumbers } from "@resolvent/weights";
import { tokenIds, unembed } from "./embedding.ts";
import { checkSites, noSite } from "./known-sites.ts";
import type { Model } from "./model.ts";
import { residualStream } from "./residual-stream.ts";
import { run } from "./run.ts";
import { sharedRun } from "./shared-runs.ts";
import {
  chooses,
  plainSites,
  type Replacements,
  replacing,
  type Site,
  type SiteChoice,
  type Sites,
} from "./sites.ts";

/** How the values of a trace are kept. F16 takes half the room and holds 3 digits. */
export type TraceDtype = "F32" | "F16";

/** A value of a run, kept on the host, as it would stand in a safetensors file. */
export interface StoredValue {
  readonly shape: Shape;
  readonly dtype: TraceDtype;
  readonly bytes: Uint8Array;
}

/** What a stored run gives back: the logits on the engine, everything kept on the host. */
export interface StoredRun<T> {
  /** `…, pos, vocab` */
  readonly logits: T;
  readonly trace: ReadonlyMap<Site, StoredValue>;
}

/**
 * Runs a model and moves the values of chosen sites to the host as they come by, so that the engine holds one
 * block's values at a time; an engine that answers later holds what it copies until it has.
 *
 * @throws InputError `weights/overflow` where a value is beyond F16; `transformer/no-site`
 */
export async function storedRun<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: {
    readonly sites: SiteChoice;
    readonly dtype?: TraceDtype;
    /** New values at named sites, as `run` takes them. */
    readonly replace?: Replacements<T>;
  },
): Promise<StoredRun<T>> {
  const { dtype = "F32", replace = {} } = options;
  const chosen = chooses(options.sites);
  const stored = (site: Site, { shape, data }: Tensor): StoredValue => ({
    ...{ shape, dtype },
    bytes: encodeNumbers(data, dtype, site),
  });
  const ids = tokenIds(tokens);
  const shared =
    Object.keys(replace).length === 0 ? sharedRun(engine, model, ids, chosen) : undefined;
  const kept: (readonly [Site, StoredValue | Promise<StoredValue>])[] = [];
  const met = new Set<Site>();
  const inner = replacing(plainSites<T>(), replace, met);
  const keep = (site: Site, value: T): void => {
    if (!chosen(site)) return;
    const answer = engine.read(value);
    // What is there is put away before the next site comes.
    const now = !(answer instanceof Promise);
    kept.push([site, now ? stored(site, answer) : answer.then((tensor) => stored(site, tensor))]);
  };
  const sites: Sites<T> = {
    wants: (site) => chosen(site) || inner.wants(site),
    at: (site, compute) => {
      const value = inner.at(site, compute);
      keep(site, value);
      return value;
    },
  };
  for (const [site, value] of shared?.trace ?? []) keep(site, value);
  const logits = engine.scope(() => {
    const residual = shared?.residual ?? residualStream(engine, model, ids, sites);
    return unembed(engine, model, residual, sites);
  });
  const unmet = Object.keys(replace).find((site) => !met.has(site));
  if (unmet !== undefined) throw noSite(model, unmet, { exact: true });
  checkSites(
    model,
    options.sites,
    kept.map(([site]) => site),
  );
  const trace = await Promise.all(kept.map(async ([site, value]) => [site, await value] as const));
  return { logits, trace: new Map(trace) };
}

/**
 * Bytes that the trace of a stored run takes, by site, from shapes alone.
 *
 * @throws InputError `transformer/no-site`
 */
export function traceBytes(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: { readonly sites: SiteChoice; readonly dtype?: TraceDtype },
): ReadonlyMap<Site, number> {
  const width = options.dtype === "F16" ? 2 : 4;
  const { trace } = run(cost(), outline, tokens, { sites: options.sites });
  return new Map([...trace].map(([site, { shape }]) => [site, sizeOf(shape) * width]));
}
