import { type Engine, type Shaped, STACK_MEMORY } from "@resolvent/tensor";
import type { ActiveFeature } from "./active-features.ts";
import type { Entering } from "./graph-sources.ts";
import type { ReplacedRun } from "./replaced-run.ts";
import { type Products, type RowOptions, rowProducts } from "./rows.ts";
import { featureTargets, type Targets } from "./targets.ts";

/** Features of a layer whose rows are computed together. */
export interface RowChunk<T extends Shaped> {
  /** Which of all targets they are. */
  readonly places: readonly number[];
  /** Makes them; in a scope. */
  targets(): Targets<T>;
}

/** The numbers of a chunk's rows: what `read` says of each point where something enters, `target, blocks, …`. */
export type RowNumbers = readonly (
  | { readonly [Part in keyof Products<unknown>]: Float64Array | Float32Array | undefined }
  | undefined
)[];

export interface ChunkOptions extends RowOptions {
  /** Bytes that stacks may take; default 512 MiB. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The features in chunks that memory has room for, each of one layer. */
export function featureChunks<T extends Shaped>(
  engine: Engine<T>,
  replaced: ReplacedRun<T>,
  sources: readonly Entering<T>[],
  features: readonly ActiveFeature[],
  { memory = STACK_MEMORY, byBlocks = false }: ChunkOptions = {},
): RowChunk<T>[] {
  const size = Math.max(1, Math.floor(memory / rowBytes(engine, replaced, sources, { byBlocks })));
  return replaced.replacements.flatMap((one) => {
    const places = features.flatMap(({ layer }, i) => (layer === one.layer ? [i] : []));
    const count = Math.ceil(places.length / size);
    return Array.from({ length: count }, (_, chunk): RowChunk<T> => {
      const from = Math.floor((chunk * places.length) / count);
      const some = places.slice(from, Math.floor(((chunk + 1) * places.length) / count));
      const of = some.map((i) => features[i] as ActiveFeature); // indices of features
      return { places: some, targets: () => featureTargets(engine, replaced, one, of) };
    });
  });
}

/** About what one row takes while it is computed: some copies of its covectors, and what it meets. */
function rowBytes<T extends Shaped>(
  { precision }: Engine<T>,
  { model, run }: ReplacedRun<T>,
  sources: readonly Entering<T>[],
  { byBlocks }: RowOptions,
): number {
  const { d_model, heads, d_head } = model.architecture;
  const tiles = sources.map((one) => one.tiles?.positions.length ?? 0);
  const covectors = run.positions * Math.max(d_model, heads * d_head);
  const met = tiles.reduce((a, b) => a + b, 0) * 32 + sources.length * run.positions;
  const levels = byBlocks ? model.stages.length + 1 : 1;
  const numbers = levels * (8 * covectors + Math.max(...tiles) * d_model + met);
  return (precision === "f64" ? 8 : 4) * numbers;
}

/** Computes rows and hands over their numbers. */
export async function readRows<T extends Shaped>(
  engine: Engine<T>,
  replaced: ReplacedRun<T>,
  sources: readonly Entering<T>[],
  targets: () => Targets<T>,
  options: RowOptions = {},
): Promise<{ readonly numbers: RowNumbers; readonly constants: ArrayLike<number> }> {
  const made = engine.scope(() => {
    const own = targets();
    return { constants: own.constants, rows: rowProducts(engine, replaced, sources, own, options) };
  });
  try {
    const read = async (x: T | undefined): Promise<Float64Array | Float32Array | undefined> =>
      x && (await engine.read(x)).data;
    const numbers = await Promise.all(
      made.rows.map(
        async (row) =>
          row && {
            tiles: await read(row.tiles),
            single: await read(row.single),
            constant: await read(row.constant),
            rest: await read(row.rest),
          },
      ),
    );
    return { numbers, constants: (await engine.read(made.constants)).data };
  } finally {
    engine.free(made);
  }
}
