import { type Ids, InputError, type Ops, type Shaped } from "@resolvent/tensor";
import { tokenIds } from "./embedding.ts";

/**
 * Values of runs in the mean over all positions of some prompts.
 *
 * @param of values of a run, with the axis `pos`: as many, in the same order, for each prompt
 * @returns the same without `pos`
 * @throws InputError `transformer/no-reference` where no prompt has tokens, `transformer/no-tokens` where one has none
 */
export function meanOverPositions<T extends Shaped>(
  ops: Ops<T>,
  prompts: readonly (readonly number[])[],
  of: (ids: Ids) => readonly T[],
): T[] {
  const positions = prompts.reduce((sum, { length }) => sum + length, 0);
  if (positions === 0) {
    throw new InputError({
      code: "transformer/no-reference",
      message: `The reference mean needs prompts with tokens, got ${prompts.length} prompts with none.`,
      remedy: "Give at least one.",
    });
  }
  return ops.scope(() => {
    const sums = prompts.map((tokens) =>
      ops.scope(() => of(tokenIds(tokens)).map((value) => ops.sum(value, ["pos"]))),
    );
    const [first = [], ...others] = sums;
    return first.map((sum, i) => {
      // As many for each prompt.
      const total = others.reduce((all, one) => ops.add(all, one[i] as T), sum);
      return ops.scale(total, 1 / positions);
    });
  });
}
