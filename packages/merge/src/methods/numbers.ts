/** Entries that are summed one after the other; sums of such stretches are summed again, so that errors stay small. */
const STRETCH = 4096;

/** `Σ f(i)` for i from `start` to before `end`, in stretches: the error grows with their number, not with all entries. */
export function sum(start: number, end: number, f: (i: number) => number): number {
  let total = 0;
  for (let from = start; from < end; from += STRETCH) {
    const to = Math.min(from + STRETCH, end);
    let part = 0;
    for (let i = from; i < to; i++) part += f(i);
    total += part;
  }
  return total;
}

/** `⟨a, b⟩` of the entries from `start` to before `end`. */
export function dot(a: Float64Array, b: Float64Array, start = 0, end: number = a.length): number {
  return sum(start, end, (i) => (a[i] as number) * (b[i] as number)); // both are as long
}

export function norm(a: Float64Array, start = 0, end: number = a.length): number {
  return Math.sqrt(dot(a, a, start, end));
}

export function minus(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = (a[i] as number) - (b[i] as number); // both are as long
  return out;
}

/** Adds `b` to `a`, in place. */
export function addTo(a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + (b[i] as number); // both are as long
}

/** `Σ cᵢxᵢ`, in the given order; into `out` where it is given. */
export function combination(
  terms: readonly { readonly factor: number; readonly x: Float64Array }[],
  out: Float64Array<ArrayBuffer> = new Float64Array(terms[0]?.x.length ?? 0),
): Float64Array<ArrayBuffer> {
  for (const [k, { factor, x }] of terms.entries()) {
    if (k === 0) multiple(out, factor, x);
    else addMultiple(out, factor, x);
  }
  return out;
}

function multiple(out: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = factor * (x[i] as number); // both are as long
}

function addMultiple(out: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + factor * (x[i] as number); // both are as long
}

/** `sin x / x`, 1 at 0. */
export function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x) / x;
}

/** The length of rows: the last axis. A vector is one row. */
export function rowLength(shape: readonly number[]): number {
  return shape.at(-1) ?? 1;
}
