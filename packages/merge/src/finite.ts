import { refuse } from "./refuse.ts";

/** Stops at a NaN or an infinity, by the tensor's name; `start` is the index of the first entry. */
export function checkFinite(x: Float64Array, where: string, start = 0): void {
  let odd = 0;
  for (let i = 0; i < x.length; i++) odd += 0 * (x[i] as number); // NaN where one is not finite
  if (odd === 0) return;
  const at = x.findIndex((value) => !Number.isFinite(value));
  throw refuse(
    "not-finite",
    `${where}: entry ${start + at} is ${x[at]}.`,
    "A merge of it would be no model: check where it comes from.",
    { where, entry: start + at },
  );
}
