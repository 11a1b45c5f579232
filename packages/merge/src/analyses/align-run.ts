import {
  certificateFor,
  computedResult,
  modelIdentity,
  modelOf,
  type NewFolder,
  type Subject,
} from "@resolvent/analysis";
import { drawing, type Engine, type Shaped } from "@resolvent/tensor";
import { loadModel, type Model } from "@resolvent/transformer";
import { bytesPerEntry, safetensorsChunks } from "@resolvent/weights";
import {
  type AlignOptions,
  alignModels,
  changeBasis,
  type LogitDifference,
  logitDifference,
  memoryModel,
  type Permutation,
  type Rewritten,
} from "../align/index.ts";
import { type Barrier, linearPath, lossBarrier } from "../measure/index.ts";
import { type OpenMergeModel, openMergeModel } from "../model.ts";
import { copiedFiles } from "../result-files.ts";
import type { AlignmentResult, LossPath, MovedGroup } from "./align-result.ts";
import type { MeasuredCorpus } from "./measured-corpus.ts";

/** Texts that logits are compared on: the first of a corpus, or so many drawn at random, of so many tokens. */
const TEXTS = 8;
const DRAWN_TOKENS = 32;

/** From so many coordinates on, the engine computes what matching multiplies. */
const WIDE = 256;

export interface AlignSettings extends Pick<AlignOptions<Shaped>, "first" | "signs" | "sweeps"> {
  readonly by: AlignmentResult["by"];
  readonly rotations: boolean;
  readonly dtype: AlignOptions<Shaped>["dtype"];
  readonly points: number;
  readonly seed: number;
  readonly out: NewFolder | undefined;
}

/** Brings the second model near the first, shows that it computes the same, and measures what that gained. */
export async function alignSubject<T extends Shaped>(
  subject: Subject<T>,
  corpus: MeasuredCorpus | undefined,
  { by, rotations, dtype, points, seed, out, ...options }: AlignSettings,
): Promise<AlignmentResult> {
  const { engine, model, models, folders, signal, onProgress, inFloat64 } = subject;
  const second = modelOf(models, "other");
  const files = {
    a: await openMergeModel(modelOf(folders, "model"), { signal }),
    b: await openMergeModel(modelOf(folders, "other"), { signal }),
  };
  const alignment = await alignModels(files.a, files.b, {
    ...{ ...options, signal },
    ...(by === "activations" && corpus && { activations: { engine, texts: corpus.rows } }),
    ...(rotations && { rotations: { linearAlgebra: await subject.linearAlgebra() } }),
    dtype: "F64", // unrounded: what is proven is the symmetry
    // Where plain loops would take minutes; in float32 it tells gains to five digits.
    ...(model.architecture.d_model >= WIDE && { engine }),
    onProgress: ({ stage, sweep, done, total }) =>
      onProgress({ done, total, of: `group of the ${stage}`, note: `sweep ${sweep + 1}` }),
  });
  const aligned = await memoryModel(`${second.name}, aligned`, alignment, { signal });
  const texts = corpus?.rows.slice(0, TEXTS) ?? drawnTexts(model, seed);
  const compare = async <U extends Shaped>(
    on: Engine<U>,
    before: Model<U>,
    also?: (after: Model<U>) => Promise<AlignmentResult["barrier"]>,
  ) => {
    const after = await loadModel(on, aligned.folder, { hash: false, signal });
    try {
      const difference = await logitDifference(on, before, after, texts, {
        signal,
        onProgress: (progress) => onProgress({ ...progress, of: "text" }),
      });
      return { difference, barrier: (await also?.(after)) ?? null };
    } finally {
      on.free(after);
    }
  };
  const { difference, barrier } = await compare(engine, second, async (after) => {
    if (corpus === undefined) return null;
    const alphas = Array.from({ length: points }, (_, i) => i / (points - 1));
    const along = async (end: Model<T>): Promise<LossPath> =>
      lossPath(
        await lossBarrier(engine, linearPath(engine, model, end), corpus.rows, {
          ...{ alphas, signal },
          onProgress: (progress) => onProgress({ ...progress, of: "point" }),
        }),
      );
    return { unaligned: await along(second), aligned: await along(after) };
  });
  const float64 =
    inFloat64 === undefined
      ? null
      : await inFloat64(async (engine64, _, models64) =>
          relative((await compare(engine64, modelOf(models64, "other"))).difference),
        );
  const { change } = alignment;
  const stored =
    out === undefined || change === undefined
      ? alignment
      : await changeBasis(files.b, change, {
          ...{ like: files.a, signal },
          ...(dtype !== undefined && { dtype }),
        });
  const written = out === undefined ? null : await writeAligned(out, files.b, stored, signal);
  return {
    ...computedResult("alignment", engine, model, { warnings: corpus?.warnings ?? [] }),
    other: modelIdentity(second),
    by,
    stages: alignment.stages,
    groups: movedGroups(alignment.permutation),
    exactness: {
      texts: texts.length,
      tokens: texts.reduce((sum, { length }) => sum + length, 0),
      drawn: corpus === undefined,
      ...{ largest: difference.largest, scale: difference.scale },
      certificate: certificateFor(engine.precision, relative(difference), { float64 }),
    },
    corpus: corpus?.facts ?? null,
    ...{ barrier, written },
  };
}

function relative({ largest, scale }: LogitDifference): number | null {
  return scale === 0 ? null : largest / scale;
}

function lossPath({ points, barrier, at }: Barrier): LossPath {
  return { points, barrier, at };
}

/** The size of texts that are drawn. */
export function drawnOutline<T extends Shaped>({
  architecture: { context },
}: Pick<Model<T>, "architecture">): { readonly length: number; readonly sequences: number } {
  return { length: Math.min(DRAWN_TOKENS, context), sequences: TEXTS };
}

function drawnTexts<T extends Shaped>(
  model: Model<T>,
  seed: number,
): readonly (readonly number[])[] {
  const next = drawing(seed);
  const { vocab } = model.architecture;
  const { length } = drawnOutline(model);
  const token = (): number => Math.min(vocab - 1, Math.floor(vocab * next()));
  return Array.from({ length: TEXTS }, () => Array.from({ length }, token));
}

/** What stands elsewhere than before. */
function movedGroups({ residual, signs = [], heads, mlp }: Permutation): MovedGroup[] {
  const group = (name: string, order: readonly number[]): MovedGroup => ({
    group: name,
    size: order.length,
    moved: order.filter((old, now) => old !== now).length,
    turned: name === "residual" ? signs.filter((sign) => sign < 0).length : 0,
  });
  return [
    group("residual", residual),
    ...heads.flatMap((order, layer) => [
      ...(order.length === 0 ? [] : [group(`L${layer}.attn`, order)]),
      ...((mlp[layer] ?? []).length === 0 ? [] : [group(`L${layer}.mlp`, mlp[layer] ?? [])]),
    ]),
  ];
}

/** Writes the model as its folder would be: weights, config, and what else the second model's folder has. */
async function writeAligned(
  out: NewFolder,
  { folder }: OpenMergeModel,
  { config, tensors }: Rewritten,
  signal: AbortSignal,
): Promise<AlignmentResult["written"]> {
  const files: string[] = [];
  let written = 0;
  const counted = async function* (pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    for await (const piece of pieces) {
      signal.throwIfAborted();
      written += piece.byteLength;
      yield piece;
    }
  };
  const bytes = tensors.reduce(
    (sum, { shape, dtype }) => sum + bytesPerEntry(dtype) * shape.reduce((a, b) => a * b, 1),
    0,
  );
  await out.write(async (write) => {
    const own = await copiedFiles(() => folder, { signal });
    own.set("config.json", new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`));
    const weights = safetensorsChunks(tensors, { metadata: { format: "pt" } });
    for (const [file, pieces] of [
      ["model.safetensors", weights] as const,
      ...[...own].map(([name, content]) => [name, [content]] as const),
    ]) {
      await write(file, counted(pieces));
      files.push(file);
    }
  }, bytes);
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))];
  return { folder: out.name, files, bytes: written, dtypes };
}
