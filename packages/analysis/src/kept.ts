/**
 * What a host keeps for one model on one engine, from one piece of work to the next. It goes with the model: where that
 * is loaded anew, nothing is kept of before.
 */
export interface Kept {
  /**
   * What `make` gives, made when this key is first asked for; afterwards the same value for as long as there is room.
   * The key says all that the value depends on beside model and engine, and whoever asks by it means the same type. Of
   * work that fails nothing is kept.
   */
  once<R>(key: string, make: () => Promise<R>): Promise<R>;
}

export interface KeptOptions {
  /** Numbers, texts and names that are kept at most; the values that were not asked for longest go first. Default 2²⁰. */
  readonly most?: number;
}

/** Numbers, texts and names: some tens of megabytes. */
const MOST = 2 ** 20;

/** Keeps plain data: lists and objects of numbers and texts, which nobody changes. */
export function keptValues({ most = MOST }: KeptOptions = {}): Kept {
  const kept = new Map<string, { readonly value: unknown; readonly size: number }>();
  let taken = 0;
  const forget = (key: string): void => {
    taken -= kept.get(key)?.size ?? 0;
    kept.delete(key);
  };
  const keep = (key: string, value: unknown, size: number): void => {
    forget(key);
    if (size > most) return;
    for (const old of kept.keys()) {
      if (taken + size <= most) break;
      forget(old);
    }
    kept.set(key, { value, size });
    taken += size;
  };
  return {
    once: async <R>(key: string, make: () => Promise<R>): Promise<R> => {
      const known = kept.get(key);
      const value = known === undefined ? await make() : (known.value as R); // as the key says
      keep(key, value, known?.size ?? sizeOf(value));
      return value;
    },
  };
}

/** The same for one analysis: what others keep has other keys. */
export function keptOf(kept: Kept, analysis: string): Kept {
  return { once: (key, make) => kept.once(`${analysis} ${key}`, make) };
}

/** Numbers, texts and names in plain data. */
function sizeOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, one) => sum + 1 + sizeOf(one), 1);
}
