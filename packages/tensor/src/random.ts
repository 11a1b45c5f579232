/**
 * A source of numbers from 0 to below 1, the same for a seed in every run and on every machine: Tommy Ettinger's
 * mulberry32, 32 bits of state. For samples and tests; it repeats after 2³² numbers, and no secret is safe with it.
 *
 * @param seed a whole number; of larger ones the last 32 bits count
 */
export function drawing(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
