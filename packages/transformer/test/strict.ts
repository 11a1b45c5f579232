import { type Engine, reachable, reference, type Tensor } from "@resolvent/tensor";

/** The float64 reference as an engine that owns memory: what a scope or `free` gives up must not be used again. */
export interface StrictEngine extends Engine<Tensor> {
  /** How many values have not been freed. */
  live(): number;
}

/**
 * Ends values as an engine with memory of its own would: those that a scope allocated and does not return, and
 * those that are freed. Their numbers become NaN, unless a living value shares them, and using one throws.
 */
export function strict(): StrictEngine {
  const scopes: Set<Tensor>[] = [new Set()];
  const dead = new WeakSet<object>();

  const check = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(check);
    else if (typeof value === "object" && value !== null && dead.has(value)) {
      throw new Error("A value was used after it was freed.");
    }
  };
  const end = (values: readonly Tensor[]): void => {
    for (const value of values) dead.add(value);
    const shared = new Set(scopes.flatMap((scope) => [...scope].map(({ data }) => data)));
    for (const { data } of values) if (!shared.has(data)) data.fill(Number.NaN);
  };
  const owned = Object.fromEntries(
    Object.entries(reference)
      .filter(([, member]) => typeof member === "function")
      .map(([name, operation]) => [
        name,
        (...inputs: unknown[]) => {
          inputs.forEach(check);
          const out: Tensor = operation(...inputs);
          scopes.at(-1)?.add(out);
          return out;
        },
      ]),
  );
  return {
    ...reference,
    ...(owned as unknown as typeof reference), // every function of the reference, wrapped
    live: () => scopes.reduce((sum, scope) => sum + scope.size, 0),
    read: (a) => {
      check(a);
      return reference.read(a);
    },
    top: async (a, axis, k) => {
      check(a);
      return reference.top(a, axis, k);
    },
    scope: (body) => {
      const inner = new Set<Tensor>();
      scopes.push(inner);
      let kept: ReadonlySet<unknown> = new Set();
      try {
        const result = body();
        kept = reachable(result);
        return result;
      } finally {
        scopes.pop();
        const outer = scopes.at(-1);
        for (const value of inner) if (kept.has(value)) outer?.add(value);
        end([...inner].filter((value) => !kept.has(value)));
      }
    },
    free: (value) => {
      const found = reachable(value);
      const freed = scopes.flatMap((scope) => [...scope].filter((tensor) => found.has(tensor)));
      for (const scope of scopes) for (const tensor of freed) scope.delete(tensor);
      end(freed);
    },
  };
}
