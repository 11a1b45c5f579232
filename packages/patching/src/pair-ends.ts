import { type Engine, readTogether, type Shaped, using } from "@resolvent/tensor";
import {
  likeliestTarget,
  type Model,
  plainSites,
  type Target,
  targetAt,
  unembed,
} from "@resolvent/transformer";
import { type Asked, askedOf, type Measure, measureAt } from "./measure.ts";
import type { PromptPair } from "./pairs.ts";
import { lastPosition, type PatchRun } from "./patch-run.ts";
import type { PreparedPair } from "./prepared.ts";

/** What the two runs of a pair say before anything is patched. */
export interface PairEnds {
  readonly target: Target;
  readonly targetClean: number;
  readonly targetCorrupt: number | null;
  /** Of the logits that both are made of. */
  readonly logitSize: number;
}

/** What is asked of a pair, which the caller frees, and what its own runs say of it. */
export async function endsOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  pair: PromptPair,
  { clean, corrupt }: Pick<PreparedPair<T>, "clean" | "corrupt">,
  measure: Measure,
): Promise<PairEnds & { readonly asked: Asked<T> }> {
  const endOf = ({ streams }: PatchRun<T>): T => streams.at(-1) as T; // a run has its end
  const likeliest = async (run: PatchRun<T>): Promise<Target> =>
    using(
      engine,
      () => unembed(engine, model, lastPosition(engine, endOf(run)), plainSites()),
      (logits) => likeliestTarget(engine, logits),
    );
  const given = pair.target ?? (await likeliest(clean));
  const other =
    pair.target !== undefined || corrupt === undefined || measure !== "logit-difference"
      ? given
      : await likeliest(corrupt);
  const both = other.a === given.a ? given : { a: given.a, b: other.a };
  const target = measure === "logit-difference" ? both : { a: given.a, b: null };
  const asked = engine.scope(() => askedOf(engine, model, { measure, target, clean }));
  const single = measure === "logit-difference" && target.b === null;
  try {
    const [targetClean = Number.NaN, targetCorrupt = null, logit = targetClean] = await using(
      engine,
      () => [
        measureAt(engine, model, endOf(clean), asked),
        corrupt && measureAt(engine, model, endOf(corrupt), asked),
        single ? undefined : targetAt(engine, model, endOf(clean), { a: target.a, b: null }),
      ],
      async (values) => (await readTogether(engine, values)).map(([number]) => number),
    );
    const sizes = [logit, targetClean, targetCorrupt ?? 0].map(Math.abs);
    return { target, targetClean, targetCorrupt, logitSize: Math.max(...sizes), asked };
  } catch (error) {
    engine.free(asked);
    throw error;
  }
}
