import { keyOf, type PlayerSet } from "./subsets.ts";

/** What the transform has found: per set and per order. */
export interface MoebiusSums {
  /** `‖I(S)‖²` of each set. */
  readonly squares: Float64Array;
  /** `Σ_{|S|=k} I(S)` for each `k`, all numbers of a run after another. */
  readonly orders: readonly Float64Array[];
}

/** Numbers that are transformed together, 32 MiB. */
const TILE = 2 ** 22;

/**
 * The Möbius transform `I(S) = Σ_{R⊆S} (−1)^{|S|−|R|} m(R)` over all sets of up to some size, by one subtraction for
 * each member of each set: for every player, `x(S) −= x(S ∖ player)`. In float64, some numbers of all runs at a time.
 *
 * @param sets with every set all of its subsets
 * @param values what each run came to, `width` numbers each, in the order of `sets`
 * @param width how many numbers a run has here
 * @param sums results are added here: numbers `from` on of the orders
 */
export function addMoebius(
  sets: readonly PlayerSet[],
  values: Float32Array | Float64Array,
  width: number,
  sums: MoebiusSums,
  places: ArrayLike<number>,
): void {
  const pairs = pairsOf(sets);
  const step = Math.max(1, Math.min(width, Math.floor(TILE / sets.length)));
  const x = new Float64Array(sets.length * step);
  for (let start = 0; start < width; start += step) {
    const size = Math.min(step, width - start);
    for (let s = 0; s < sets.length; s++) {
      x.set(values.subarray(s * width + start, s * width + start + size), s * step);
    }
    for (let p = 0; p < pairs.length; p += 2) {
      const [with_, without] = [(pairs[p] as number) * step, (pairs[p + 1] as number) * step];
      for (let i = 0; i < size; i++)
        x[with_ + i] = (x[with_ + i] as number) - (x[without + i] as number);
    }
    sets.forEach((set, s) => {
      const order = sums.orders[set.length] as Float64Array; // as long as the largest set
      let square = 0;
      for (let i = 0; i < size; i++) {
        const value = x[s * step + i] as number;
        square += value * value;
        const place = places[start + i] as number;
        order[place] = (order[place] as number) + value;
      }
      sums.squares[s] = (sums.squares[s] as number) + square;
    });
  }
}

/** Every set with a member, and the set without it, as two indices: player by player, as the transform goes. */
function pairsOf(sets: readonly PlayerSet[]): Int32Array {
  const places = new Map(sets.map((set, i) => [keyOf(set), i]));
  const players = Math.max(-1, ...sets.filter(({ length }) => length === 1).map(([p = -1]) => p));
  const byPlayer: number[][] = Array.from({ length: players + 1 }, () => []);
  sets.forEach((set, i) => {
    for (const player of set) {
      const without = places.get(keyOf(set.filter((one) => one !== player))) as number; // all subsets are there
      byPlayer[player]?.push(i, without);
    }
  });
  return Int32Array.from(byPlayer.flat());
}
