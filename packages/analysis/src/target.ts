import { InputError, type Shaped } from "@resolvent/tensor";
import type { Model, Target } from "@resolvent/transformer";
import type { TokenFacts } from "./result.ts";
import type { Vocabulary } from "./subject.ts";
import { type TokenName, tokenNotation } from "./token-notation.ts";

/**
 * The target that tokens make.
 *
 * @throws InputError what the vocabulary throws; `analysis/bad-target` for a token less itself, or a token that
 * the model does not have
 */
export function namedTarget<T extends Shaped>(
  model: Model<T>,
  names: readonly TokenName[],
  vocabulary: Pick<Vocabulary, "tokenId">,
): Target {
  const [a, b, ...more] = names.map((name) => vocabulary.tokenId(name));
  const { vocab } = model.architecture;
  const odd = [a, b].find((id) => id !== undefined && id >= vocab);
  if (a === undefined || a === b || more.length > 0 || odd !== undefined) {
    throw new InputError({
      code: "analysis/bad-target",
      message:
        odd !== undefined
          ? `Token ids of ${model.name} are 0 to ${vocab - 1}, got ${odd}.`
          : `A target is one token or two different ones, got ${names.map((name) => (typeof name === "number" ? `id:${name}` : tokenNotation(name))).join(", ") || "none"}.`,
      remedy: "Name the token whose logit is explained, and the one to compare it with.",
      details: { got: names, vocab },
    });
  }
  return { a, b: b ?? null };
}

/** A target in words: `logit " Mary" − " John"`. */
export function targetText({ a, b }: Target, text: (id: number) => string): string {
  const first = `logit ${tokenNotation(text(a))}`;
  return b === null ? first : `${first} − ${tokenNotation(text(b))}`;
}

/** What is asked of a run, as results carry it. */
export interface TargetFacts {
  /** In words: `logit " Mary" − " John"` */
  readonly readout: string;
  /** Null of what is said of all tokens, as a KL divergence. */
  readonly a: TokenFacts | null;
  /** The token that `a` is compared with; null for a logit alone. */
  readonly b: TokenFacts | null;
  /** What the run says of it. */
  readonly value: number;
}

/** A target as results carry it. */
export function targetFacts(
  target: Target,
  value: number,
  text: (id: number) => string,
): TargetFacts {
  const of = (id: number): TokenFacts => ({ id, text: text(id) });
  const { a, b } = target;
  return { readout: targetText(target, text), a: of(a), b: b === null ? null : of(b), value };
}
