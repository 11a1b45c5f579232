import type { Sources } from "@resolvent/paths";
import { type Ops, type Shaped, sizeAlong, sumOf } from "@resolvent/tensor";
import { blockWrite, frozenAt, openLanes, withoutBiases } from "@resolvent/transformer";
import type { DictionaryRun } from "./expansion.ts";

/** What sources that enter together become at a point of the stream. */
export interface SourceStreams<T> {
  readonly names: readonly string[];
  /** The degree of the first entry along `degree`. */
  readonly lowest: number;
  /** `degree, source, pos, d_model`: what has come through so many blocks, the gates of the run held. */
  readonly values: T;
}

/**
 * What every source has become at a point of the stream, by degree: all of them add up to the stream there, and at the
 * end to `T`.
 *
 *     H[0] = s where it enters; for each block i, for k descending: H[k+1] += A_i H[k]
 *
 * @param before how many stages lie before the point; default all. Sources that enter later are left out
 */
export function sourceStreams<T extends Shaped>(
  ops: Ops<T>,
  made: Pick<DictionaryRun<T>, "model" | "run" | "sources">,
  before: number = made.model.stages.length,
): SourceStreams<T>[] {
  const { stages, final } = made.model;
  const { lanes } = [...stages][before]?.[0] ?? final; // what is open where it is read
  return ops.scope(() =>
    carriedStreams(ops, made, before).map(({ values, ...own }) => ({
      ...own,
      values: openLanes(ops, lanes, values),
    })),
  );
}

/** The same with all lanes, where the stream has them. */
function carriedStreams<T extends Shaped>(
  ops: Ops<T>,
  { model, run, sources }: Pick<DictionaryRun<T>, "model" | "run" | "sources">,
  before: number,
): SourceStreams<T>[] {
  const sites = frozenAt(run.gates);
  const carried = (group: Sources<T>): T =>
    ops.scope(() => {
      let H = ops.broadcast(group.values, { degree: 1 });
      for (const stage of [...model.stages].slice(group.enters, before)) {
        const read = H;
        const writes = stage.map((block) => blockWrite(ops, withoutBiases(block), read, sites));
        const none = ops.fill({ ...read.shape, degree: 1 }, 0);
        const risen = ops.concat([none, sumOf(ops, writes)], "degree");
        H = ops.add(ops.concat([read, none], "degree"), risen);
      }
      return ops.arrange(H, ["degree", "source", "pos", "d_model"]);
    });
  return sources
    .filter(({ enters }) => enters <= before)
    .map((group) => ({ names: group.names, lowest: group.degree, values: carried(group) }));
}

/**
 * The stream before a layer as parts of it for `expandScore`: every source at every degree, `L2.mlp.after.F18 degree 0`.
 * Which of them a head's query or key meets at a position is what the score's terms say.
 */
export function scoreParts<T extends Shaped>(
  ops: Ops<T>,
  made: Pick<DictionaryRun<T>, "model" | "run" | "sources">,
  before: number,
): { readonly name: string; readonly names: readonly string[]; readonly stack: T } {
  const streams = ops.scope(() => {
    const groups = carriedStreams(ops, made, before);
    const stacks = groups.map(({ values }) => ops.join(values, ["degree", "source"], "source"));
    return { groups, stack: ops.concat(stacks, "source") };
  });
  const names = streams.groups.flatMap(({ names, lowest, values }) =>
    Array.from({ length: sizeAlong(values.shape, "degree", "scoreParts") }, (_, k) =>
      names.map((name) => `${name} degree ${lowest + k}`),
    ).flat(),
  );
  return { name: "feature", names, stack: streams.stack };
}
