import { InputError } from "@resolvent/tensor";

/** Sets of players whose interactions are told apart: as many runs of the model's later blocks, and as many streams. */
const SETS_LIMIT: number = 2 ** 16;
/** Players whose interactions are exact by default: 4096 sets. */
const EXACT_PLAYERS = 12;

/** A set of players by their indices, ascending. */
export type PlayerSet = readonly number[];

/** `C(n, k)` */
function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i;
  return Math.round(value);
}

/** The order that is computed: that asked for, at most the number of players; else all up to 12, pairs above. */
export function checkOrder(players: number, order: number | undefined): number {
  const highest = Math.min(order ?? (players <= EXACT_PLAYERS ? players : 2), players);
  if (!Number.isInteger(highest) || highest < 0) {
    throw new InputError({
      code: "expansion/bad-order",
      message: `The order of interactions should be a whole number from 0, got ${order}.`,
      remedy: "It is the size of the largest sets of players.",
      details: { got: order },
    });
  }
  let sets = 0;
  for (let k = 0; k <= highest; k++) sets += binomial(players, k);
  if (sets > SETS_LIMIT) {
    throw new InputError({
      code: "expansion/too-many-sets",
      message: `${players} players have ${sets} sets of up to ${highest}; at most ${SETS_LIMIT} are computed.`,
      remedy: "Ask for a lower order, or group players: whole layers, or groups of your own.",
      details: { players, order: highest, sets, limit: SETS_LIMIT },
    });
  }
  return highest;
}

/** All sets of up to `order` of `players`, by size, then in alphabetical order. */
export function setsUpTo(players: number, order: number): PlayerSet[] {
  const all: PlayerSet[] = [[]];
  let last: PlayerSet[] = [[]];
  for (let size = 1; size <= order; size++) {
    last = last.flatMap((set) => {
      const from = (set.at(-1) ?? -1) + 1;
      return Array.from({ length: players - from }, (_, i) => [...set, from + i]);
    });
    all.push(...last);
  }
  return all;
}

/** A set as a key of a map. */
export function keyOf(set: PlayerSet): string {
  return set.join();
}
