import { type Ids, InputError, type Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";

/**
 * Tokens along an axis.
 * @throws InputError `attention/bad-token`
 */
export function checkIds<T extends Shaped>(
  { name, architecture }: Model<T>,
  tokens: readonly number[],
  axis: string,
): Ids {
  const { vocab } = architecture;
  const bad = tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= vocab);
  if (bad !== undefined || tokens.length === 0) {
    throw new InputError({
      code: "attention/bad-token",
      message:
        bad === undefined
          ? "No tokens were chosen."
          : `Token ids of ${name} are 0 to ${vocab - 1}, got ${bad}.`,
      remedy: "Choose some of the vocabulary.",
      details: { vocab, got: bad },
    });
  }
  return { shape: { [axis]: tokens.length }, data: Int32Array.from(tokens) };
}
