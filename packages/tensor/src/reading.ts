import type { Engine } from "./ops.ts";
import type { Shaped } from "./shape.ts";

/** Makes a value in a scope, and frees it after its use, also where that fails. */
export async function using<T extends Shaped, V, R>(
  engine: Engine<T>,
  make: () => V,
  use: (value: V) => Promise<R>,
): Promise<R> {
  const value = engine.scope(make);
  try {
    return await use(value);
  } finally {
    engine.free(value);
  }
}

/** The numbers of a tensor in memory order. */
export async function readNumbers<T extends Shaped>(engine: Engine<T>, a: T): Promise<number[]> {
  return Array.from((await engine.read(a)).data);
}

/** The number of a scalar. */
export async function readNumber<T extends Shaped>(engine: Engine<T>, a: T): Promise<number> {
  const [value = Number.NaN] = await readNumbers(engine, a);
  return value;
}

/**
 * The numbers of several small tensors, all asked for before the first is waited for. Of each in memory order; none of
 * what is undefined.
 *
 * ```ts
 * const [[total = Number.NaN], degrees] = await readTogether(engine, [sum, byDegree]);
 * ```
 */
export async function readTogether<
  T extends Shaped,
  const Parts extends readonly (T | undefined)[],
>(engine: Engine<T>, parts: Parts): Promise<{ readonly [Part in keyof Parts]: number[] }> {
  const each = await Promise.all(
    parts.map((part) => (part === undefined ? [] : readNumbers(engine, part))),
  );
  return each as { readonly [Part in keyof Parts]: number[] }; // one list for each part
}
