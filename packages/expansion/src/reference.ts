import { type ReferenceFacts, ZERO_REFERENCE } from "@resolvent/analysis";
import { InputError, type Ops, type Shaped, showShape, sizeAlong } from "@resolvent/tensor";
import { type Model, meanOverPositions, tokenIds } from "@resolvent/transformer";
import { anatomyOf } from "./anatomy.ts";

/**
 * What a branch contributes where it is cut, `ref_i`: nothing; the mean of what the block writes over all
 * positions of some prompts; or what it writes at the same position of another run.
 */
export type Reference =
  | { readonly kind: "zero" }
  | { readonly kind: "mean"; readonly prompts: readonly (readonly number[])[] }
  | { readonly kind: "run"; readonly tokens: readonly number[] };

/** A reference as results carry it. */
export function referenceFacts(reference: Reference = { kind: "zero" }): ReferenceFacts {
  const { kind } = reference;
  if (kind === "zero") return ZERO_REFERENCE;
  return { kind, prompts: kind === "mean" ? reference.prompts : [reference.tokens] };
}

/**
 * `ref_i` by block name, each with the axes of `like`; undefined for the reference zero.
 *
 * @param like has the shape of a residual stream of the run that is taken apart
 * @throws InputError `expansion/reference-length`, `transformer/no-reference`
 */
export function referenceWrites<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  reference: Reference,
  like: Shaped,
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
  like: Shaped,
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
  let blocks: readonly string[] = [];
  const means = meanOverPositions(ops, prompts, (ids) => {
    const { writes } = anatomyOf(ops, model, ids, []);
    blocks = [...writes.keys()]; // the same in every run
    return [...writes.values()];
  });
  return new Map(blocks.map((block, i): [string, T] => [block, means[i] as T])); // one each
}
