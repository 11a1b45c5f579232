import { type Engine, inOrder, type Shaped, type Tensor, using } from "@resolvent/tensor";
import {
  checkHead,
  type HeadPlace,
  likeliestTarget,
  type Model,
  run,
  type Target,
} from "@resolvent/transformer";
import { checkPosition } from "./score-run.ts";

/** A score: of which head, between which positions. */
export interface AttentionEdge {
  readonly head: HeadPlace;
  /** Position that looks. */
  readonly query: number;
  /** Position that is looked at. */
  readonly key: number;
}

/**
 * A score worth taking apart, of what is left open: the query is the last position; the head is the one, of the
 * layers after the first (of the only layer, where there is one), with the largest probability from the query to
 * a key other than 0 and the query itself (to the key, where that is given; to any, where the query is 0 or 1);
 * the key is the one that the head attends to most. Also the two likeliest next tokens at the query.
 *
 * @throws InputError `transformer/no-head`, `expansion/bad-position`, and those of a run
 */
export async function chooseEdge<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  given: Partial<AttentionEdge> = {},
): Promise<AttentionEdge & { readonly target: Target }> {
  const query = given.query ?? tokens.length - 1;
  if (given.head !== undefined) checkHead(model.architecture, given.head);
  checkPosition("query", query, tokens.length);
  if (given.key !== undefined) checkPosition("key", given.key, query + 1);
  // What stands after the query has no part in it.
  const done = run(engine, model, tokens.slice(0, query + 1), { sites: ["*.attn.pattern"] });
  try {
    const rows = new Map<number, Tensor>();
    await using(
      engine,
      () => [...done.trace.values()].map((x) => engine.slice(x, "pos", query, query + 1)),
      async (each) => {
        const read = await Promise.all(each.map((row) => engine.read(row)));
        [...done.trace.keys()].forEach((site, i) => {
          const row = inOrder(read[i] as Tensor, ["head", "pos", "key_pos"]); // one of each
          rows.set(Number(/^L(\d+)\./.exec(site)?.[1]), row);
        });
      },
    );
    const target = await likeliestTarget(engine, done.logits);
    const head = given.head ?? mostAttentive(rows, query, given.key);
    const key = given.key ?? indexOfMost(rowOf(rows, head, query + 1));
    return { head, query, key, target };
  } finally {
    engine.free(done);
  }
}

function mostAttentive(
  rows: ReadonlyMap<number, Tensor>,
  query: number,
  key: number | undefined,
): HeadPlace {
  const counts = (k: number): boolean =>
    key === undefined ? query < 2 || (k > 0 && k < query) : k === key;
  let best: HeadPlace = { layer: 0, head: 0 };
  let most = Number.NEGATIVE_INFINITY;
  for (const [layer, { shape }] of rows) {
    if (layer === 0 && rows.size > 1) continue;
    for (let head = 0; head < (shape.head ?? 0); head++) {
      const probabilities = rowOf(rows, { layer, head }, query + 1).filter((_, k) => counts(k));
      const largest = Math.max(...probabilities);
      if (largest > most) {
        most = largest;
        best = { layer, head };
      }
    }
  }
  return best;
}

function rowOf(
  rows: ReadonlyMap<number, Tensor>,
  { layer, head }: HeadPlace,
  keys: number,
): number[] {
  return Array.from(rows.get(layer)?.data.subarray(head * keys, (head + 1) * keys) ?? []);
}

/** The first of the largest; of what is not a number the first, which the score then shows. */
function indexOfMost(numbers: readonly number[]): number {
  return Math.max(0, numbers.indexOf(Math.max(...numbers)));
}
