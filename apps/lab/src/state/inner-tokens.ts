import type { TokenFacts } from "@resolvent/analysis";

/** The tokens of a text without those that begin and end every text: `around` are the tokens of the empty one. */
export function innerTokens(
  own: readonly TokenFacts[],
  around: readonly TokenFacts[],
): readonly TokenFacts[] {
  const from = around.findIndex(({ id }, i) => id !== own[i]?.id);
  const before = from === -1 ? around.length : from;
  return own.slice(before, own.length - (around.length - before));
}
