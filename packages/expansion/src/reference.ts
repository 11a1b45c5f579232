import { InputError, type Ops, type Shaped, showShape, sizeAlong } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { anatomyOf } from "./anatomy.ts";

/**
 * What a branch contributes where it is cut, `ref_i`: nothing; the mean of what the block writes over all
 * positions of some prompts; or what it writes at the same position of another run.
 */
export type Reference =
  | { readonly kind: "zero" }
  | { readonly kind: "mean"; readonly prompts: readonly (readonly number[])[] }
  | { readonly kind: "run"; readonly tokens: readonly number[] };

/**
 * `ref_i` by block name, each with the axes of `like`; undefined for the reference zero.
 *
 * @param like a residual stream of the run that is taken apart
 * @throws InputError `expansion/reference-length`, `expansion/no-reference`
 */
export function referenceWrites<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  reference: Reference,
  like: T,
): ReadonlyMap<string, T> | undefined {
  if (reference.kind === "zero") return undefined;
  return ops.scope(() => {
    const writes =
      reference.kind === "run"
        ? ofRun(ops, model, reference.tokens, like)
        : ofMean(ops, model, reference.prompts);
    const zeros = ops.fill(like.shape, 0);
    return new Map([...writes].map(([block, C]): [string, T] => [block, ops.add(zeros, C)]));
  });
}

function ofRun<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
  like: T,
): ReadonlyMap<string, T> {
  const expected = sizeAlong(like.shape, "pos", "reference");
  if (tokens.length !== expected) {
    throw new InputError({
      code: "expansion/reference-length",
      message: `The reference run needs as many tokens as the input: ${expected}, got ${tokens.length}.`,
      remedy: "Choose a prompt of equal length, or the reference mean.",
      details: { expected, got: tokens.length, input: showShape(like.shape) },
    });
  }
  return anatomyOf(ops, model, tokenIds(tokens), []).writes;
}

function ofMean<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  prompts: readonly (readonly number[])[],
): ReadonlyMap<string, T> {
  const positions = prompts.reduce((sum, tokens) => sum + tokens.length, 0);
  if (positions === 0) {
    throw new InputError({
      code: "expansion/no-reference",
      message: `The reference mean needs prompts with tokens, got ${prompts.length} prompts with none.`,
      remedy: "Give at least one.",
    });
  }
  const sums = new Map<string, T>();
  for (const tokens of prompts) {
    for (const [block, C] of anatomyOf(ops, model, tokenIds(tokens), []).writes) {
      const sum = ops.sum(C, ["pos"]);
      const known = sums.get(block);
      sums.set(block, known === undefined ? sum : ops.add(known, sum));
    }
  }
  return new Map(
    [...sums].map(([block, sum]): [string, T] => [block, ops.scale(sum, 1 / positions)]),
  );
}
