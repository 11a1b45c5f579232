import { pause } from "@resolvent/analysis";
import {
  adjoint,
  type Engine,
  InputError,
  inChunks,
  inOrder,
  type Ops,
  type Precision,
  type Priced,
  priced,
  type Recorded,
  type Shaped,
  STACK_MEMORY,
  sizeAlong,
  using,
} from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  type Model,
  mapWeights,
  plainSites,
  shapesOf,
} from "@resolvent/transformer";
import { lensStreams } from "./logit-lens.ts";

/** Positions at the start that are left out: attention sinks, with streams like no others. As the paper's code does. */
export const SKIPPED = 16;

export interface JacobianOptions {
  /** Positions at the start that are left out; default 16. So is the last, which has no next token. */
  readonly skip?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes for one stack of covectors; default 512 MiB. */
  readonly memory?: number;
}

/**
 * The Jacobians of one prompt from the stream behind each layer but the last to the final stream, before the final norm:
 * `J_l = mean over p of Σ over p' ≥ p of ∂h_final[p'] / ∂h_l[p]`, `p` and `p'` from `skip` to the last but one position
 * (Gurnee et al. 2026, as `jlens.fit` does). Nothing is frozen.
 *
 * Backward, block by block, for as many rows at once as fit into memory: one forward pass, and for all `d_model` rows
 * `d_model` times what going back through the blocks takes.
 *
 * @returns by layer, row by row, as in `JacobianLens`
 * @throws InputError `expansion/streamed-model`, `expansion/one-layer`, `expansion/short-prompt`
 */
export async function promptJacobians<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: JacobianOptions = {},
): Promise<ReadonlyMap<number, Float64Array>> {
  const { skip = SKIPPED, memory = STACK_MEMORY, signal } = options;
  checkModel(model);
  if (tokens.length < skip + 2) {
    throw new InputError({
      code: "expansion/short-prompt",
      message: `Of ${tokens.length} tokens none is left without the first ${skip} and the last.`,
      remedy: "Take longer texts, or leave out fewer (skip).",
      details: { tokens: tokens.length, skip },
    });
  }
  const { d_model } = model.architecture;
  const found = new Map<number, Float64Array>();
  await using(
    engine,
    () => stageStreams(engine, model, tokens),
    async (streams) => {
      for (const rows of rowsAtOnce(engine.precision, shapesOf(model), streams, { skip, memory })) {
        await pause(signal);
        await using(
          engine,
          () => jacobianRows(engine, model, streams, { rows, skip }),
          async (parts) => {
            for (const [layer, part] of parts) {
              const { data } = inOrder(await engine.read(part), ["row", "d_model"]);
              const whole = found.get(layer) ?? new Float64Array(d_model * d_model);
              whole.set(data, (rows[0] ?? 0) * d_model); // rows that follow each other
              found.set(layer, whole);
            }
          },
        );
      }
    },
  );
  return found;
}

/** The rows of Jacobians in groups that fit into memory together. */
export function rowsAtOnce(
  precision: Precision,
  model: Model<Priced>,
  streams: readonly Shaped[],
  { skip, memory = STACK_MEMORY }: { readonly skip: number; readonly memory?: number },
): number[][] {
  const all = Array.from({ length: model.architecture.d_model }, (_, row) => row);
  const peak = (rows: readonly number[]): number =>
    priced(precision, (ops) => {
      const shapes = streams.map(({ shape }) => ops.given(shape));
      return jacobianRows(ops, model, shapes, { rows, skip });
    }).peakBytes;
  return inChunks(all, memory, peak, 1);
}

/** Some rows of the Jacobians of a prompt by layer, `row, d_model`, from the streams before its stages. */
export function jacobianRows<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  streams: readonly T[],
  { rows, skip }: { readonly rows: readonly number[]; readonly skip: number },
): Map<number, T> {
  const { d_model } = model.architecture;
  const [first] = streams as readonly [T, ...T[]]; // the embedding at least
  const positions = sizeAlong(first.shape, "pos", "jacobianRows");
  const asked = (pos: number): number => (pos >= skip && pos < positions - 1 ? 1 : 0);
  const counted = positions - 1 - skip;
  const ones = rows.flatMap((row) =>
    Array.from({ length: d_model }, (_, i) => (i === row ? 1 : 0)),
  );
  const stages = [...mapWeights(model, adjoint(ops).fixed).stages];
  const found = new Map<number, T>();
  let covectors = ops.scope(() => {
    const picked = ops.constant({ row: rows.length, d_model }, ones);
    const among = ops.constant(
      { pos: positions },
      Array.from({ length: positions }, (_, p) => asked(p)),
    );
    return ops.arrange(ops.mul(picked, among), ["row", "pos", "d_model"]);
  });
  for (let at = stages.length - 1; at > 0; at--) {
    const behind = covectors;
    const [stage, before] = [stages[at] ?? [], stages[at - 1] ?? []];
    covectors = ops.scope(() =>
      stage.reduce((sum, block) => {
        return ops.add(sum, pulledBack(ops, block, streams[at] as T, behind)); // one before each stage
      }, behind),
    );
    ops.free?.(behind);
    const layer = before[0]?.layer;
    if (layer === undefined || layer === stage[0]?.layer) continue;
    const mean = ops.scope(() => {
      const own = ops.slice(covectors, "pos", skip, positions - 1);
      return ops.scale(ops.sum(own, ["pos"]), 1 / counted);
    });
    found.set(layer, mean);
  }
  ops.free?.(covectors);
  return found;
}

/** `cᵀ ∂f/∂r` of a block at a stream, for every row of covectors. */
function pulledBack<T extends Shaped>(
  ops: Ops<T>,
  block: Block<Recorded<T>>,
  stream: T,
  covectors: T,
): T {
  return ops.scope(() => {
    const tape = adjoint(ops);
    const read = tape.variable(stream);
    const write = blockWrite(tape, block, read, plainSites());
    return tape.gradients(write, covectors, [read])[0] as T; // one for each variable
  });
}

/** The stream before each stage. */
export function stageStreams<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
): T[] {
  const streams = new Map(
    lensStreams(ops, model, tokens).map(({ after, stream }) => [after, stream]),
  );
  const ends = ["embed", ...[...model.stages].map((stage) => stage.at(-1)?.name ?? "")];
  return ends.slice(0, -1).flatMap((end) => streams.get(end) ?? []);
}

function checkModel<T extends Shaped>({ stages, architecture, name }: Model<T>): void {
  if (architecture.layers < 2) {
    throw new InputError({
      code: "expansion/one-layer",
      message: `A Jacobian lens reads behind every layer but the last; ${name} has ${architecture.layers}.`,
      remedy: "Take a model of two layers or more.",
      details: { layers: architecture.layers },
    });
  }
  if (Array.isArray(stages)) return;
  throw new InputError({
    code: "expansion/streamed-model",
    message: `Jacobians go through ${name} backward, which a model that is read layer by layer cannot.`,
    remedy: "Load the model as a whole.",
  });
}
