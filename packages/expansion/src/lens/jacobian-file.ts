import { InputError } from "@resolvent/tensor";
import {
  type ByteSource,
  decodeNumbers,
  encodeNumbers,
  type ReadOptions,
} from "@resolvent/weights";
import {
  isTorchTensor,
  openTorch,
  type TorchToWrite,
  type TorchValue,
  torchChunks,
} from "@resolvent/weights/torch";
import type { JacobianLens } from "./jacobian-lens.ts";

/** Dtypes that lenses are stored in. */
const LENS_DTYPES = { f16: "F16", f32: "F32" } as const;
export type LensDtype = keyof typeof LENS_DTYPES;

/**
 * The Jacobian lens in a file of the paper's code, `jlens.JacobianLens.save`: a dict with `J`, the matrices by layer,
 * `n_prompts`, `source_layers` and `d_model`. Lenses of many models are published in this form
 * (huggingface.co/neuronpedia/jacobian-lens). The file is read as data: no pickle is run.
 *
 * @throws InputError `expansion/bad-lens`, and what `openTorch` throws
 */
export async function readJacobianLens(
  source: ByteSource,
  options: ReadOptions = {},
): Promise<JacobianLens> {
  const { value, read } = await openTorch(source, options);
  const bad = (message: string, details: object = {}): InputError =>
    new InputError({
      code: "expansion/bad-lens",
      message: `${source.name} is no Jacobian lens: ${message}`,
      remedy:
        "A lens is what jlens saves (JacobianLens.save), or what the command jacobian-lens writes.",
      details: { name: source.name, ...details },
    });
  const table = dictOf(value);
  const found = dictOf(table?.get("J"));
  const [d_model, prompts] = [table?.get("d_model"), table?.get("n_prompts")];
  const width = table?.get("d_source") ?? d_model;
  if (found === undefined) throw bad("it has no J, the matrices by layer.");
  if (typeof d_model !== "number" || typeof prompts !== "number") {
    throw bad("it does not say n_prompts and d_model.");
  }
  if (width !== d_model) {
    throw bad(`its matrices read a stream ${String(width)} wide and write one of ${d_model}.`, {
      expected: d_model,
      got: width,
    });
  }
  const jacobians = new Map<number, ArrayLike<number>>();
  for (const [layer, tensor] of found) {
    const shape = isTorchTensor(tensor) ? tensor.shape : [];
    const whole = typeof layer === "number" && Number.isInteger(layer) && layer >= 0;
    if (!whole || !isTorchTensor(tensor) || shape.join() !== `${d_model},${d_model}`) {
      throw bad(
        `J of ${String(layer)} is not a matrix of a layer, [${d_model}, ${d_model}]; got [${shape.join(", ")}].`,
        { layer, expected: [d_model, d_model], got: shape },
      );
    }
    const numbers = decodeNumbers(await read(tensor, options), "f32", `J of layer ${layer}`);
    if (!numbers.every(Number.isFinite))
      throw bad(`J of layer ${layer} has numbers that are not finite.`);
    jacobians.set(layer, numbers);
  }
  if (jacobians.size === 0) throw bad("it has no matrix.");
  return { d_model, prompts, jacobians };
}

/**
 * A lens as a file of that form, piece by piece: `jlens.JacobianLens.load` opens it.
 *
 * @param dtype default `f16`, as `jlens` saves
 * @throws InputError `weights/overflow` for an entry that the dtype has no room for; `weights/file-too-large`
 */
export function jacobianLensChunks(
  { jacobians, d_model, prompts }: JacobianLens,
  dtype: LensDtype = "f16",
): AsyncGenerator<Uint8Array> {
  const layers = [...jacobians].sort(([a], [b]) => a - b);
  const J = layers.map(([layer, numbers]): [number, TorchToWrite] => [
    layer,
    {
      ...{ kind: "tensor", dtype: LENS_DTYPES[dtype], shape: [d_model, d_model] },
      bytes: () => encodeNumbers(numbers, LENS_DTYPES[dtype], `J of layer ${layer}`),
    },
  ]);
  return torchChunks(
    new Map<string, TorchToWrite>([
      ["J", new Map(J)],
      ["n_prompts", prompts],
      ["source_layers", layers.map(([layer]) => layer)],
      ["d_model", d_model],
    ]),
  );
}

function dictOf(value: TorchValue | undefined): ReadonlyMap<TorchValue, TorchValue> | undefined {
  return value instanceof Map ? value : undefined;
}
