/** Round numbers, about `count` of them, that reach around `low … high`: steps of 1, 2 or 5 times a power of ten. */
export function ticksFor(low: number, high: number, count = 5): number[] {
  const span = high > low ? high - low : Math.abs(low) || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= raw * 0.999) ?? raw;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Multiplying keeps 0.3 from becoming 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, i) => {
    return Number(((first + i) * step).toPrecision(12));
  });
}

/** Powers of ten that reach around two numbers above zero; not more than about six of them. */
export function powersFor(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const step = Math.max(1, Math.ceil((last - first) / 5));
  const count = Math.ceil((last - first) / step);
  return Array.from({ length: count + 1 }, (_, i) => Number(`1e${first + i * step}`));
}

/** From numbers to pixels. */
export type Scale = (value: number) => number;

/** A straight scale: `from` is at `start`, `to` at `end`. */
export function linear(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** A scale that is straight near zero and logarithmic away from it, by sign: `unit` is where it bends. */
export function symlog(
  unit: number,
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const bent = (value: number): number => Math.sign(value) * Math.log1p(Math.abs(value) / unit);
  const inner = linear([bent(domain[0]), bent(domain[1])], range);
  return (value) => inner(bent(value));
}
