import { type TensorLayout, type TensorPlace, tensorLayout } from "@resolvent/transformer";
import type { Dtype } from "@resolvent/weights";
import type { MergeModel } from "./model.ts";
import { refuse } from "./refuse.ts";

/** A stored tensor of a model. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A model taken apart: every tensor of its checkpoint has a place. Names are without prefix. */
export interface ModelParts {
  readonly name: string;
  readonly model: MergeModel;
  readonly layout: TensorLayout;
  readonly type: string;
  readonly layers: number;
  /** What the names of its tensors begin with. */
  readonly prefix: string;
  /** The tensor of a place; undefined where the checkpoint has none. */
  stored(place: string): StoredTensor | undefined;
  /** Tensors without weights. */
  readonly leftOut: readonly string[];
}

/**
 * The places of a model's tensors.
 *
 * @throws InputError `merge/unexpected-tensor`, `merge/tensor-missing`, `merge/shape`, `merge/stored-dtype`, and what
 * `tensorLayout` of `@resolvent/transformer` throws
 */
export function modelParts(name: string, model: MergeModel): ModelParts {
  const { tensors, config } = model;
  const has = (place: string): boolean => tensors.has(place);
  const layout = tensorLayout(config, has);
  const prefix =
    layout.prefixes.find(
      (start) => start !== "" && [...tensors.keys()].some((one) => one.startsWith(start)),
    ) ?? "";
  const stored = (place: string): StoredTensor | undefined => {
    for (const full of [prefix + place, place]) {
      const found = tensors.get(full);
      if (found !== undefined) return { name: full, dtype: found.dtype, shape: found.shape };
    }
    return undefined;
  };
  const { architecture, tie } = layout;
  const used = new Set<string>();
  const use = ({ name: place, shape }: TensorPlace): void => {
    const found = stored(place);
    if (found === undefined) throw missing(name, prefix + place);
    checkStored(name, found, shape);
    used.add(found.name);
  };
  for (const place of [...layout.embed, ...layout.final]) use(place);
  for (let layer = 0; layer < architecture.layers; layer++)
    layout.layer(layer).tensors.forEach(use);
  // A tied model may store the embedding a second time.
  const copy = tie && stored(tie.unembedding);
  const table = layout.embed.find(({ name: place }) => place === tie?.embedding);
  if (tie !== undefined && copy !== undefined && table !== undefined)
    use({ ...table, name: tie.unembedding });
  const rest = [...tensors.keys()].filter((one) => !used.has(one));
  const odd = rest.find((one) => !layout.ignored(one));
  if (odd !== undefined) {
    throw refuse(
      "unexpected-tensor",
      `${odd} of ${name} has no place in the result.`,
      "Leaving it out would give another model: check its config.json.",
      { tensor: odd, model: name },
    );
  }
  const type = String(config.model_type);
  return { name, model, layout, type, layers: architecture.layers, prefix, stored, leftOut: rest };
}

function checkStored(
  model: string,
  { name, dtype, shape }: StoredTensor,
  expected: readonly number[],
): void {
  if (!/^B?F\d+$/.test(dtype)) {
    throw refuse(
      "stored-dtype",
      `${name} of ${model} is stored as ${dtype}; floats are merged.`,
      "Use the checkpoint before quantization, or dequantize it.",
      { tensor: name, model, dtype },
    );
  }
  if (shape.join() === expected.join()) return;
  throw refuse(
    "shape",
    `${name} of ${model} should be [${expected.join(", ")}] by its config.json, got [${shape.join(", ")}].`,
    "Check that config.json belongs to these weights.",
    { tensor: name, model, expected, got: shape },
  );
}

/** `merge/tensor-missing`. */
export function missing(model: string, tensor: string, other?: string): Error {
  return refuse(
    "tensor-missing",
    `${model} has no tensor ${tensor}${other === undefined ? "" : `, and ${other} has`}.`,
    other === undefined
      ? "Check that its config.json belongs to these weights."
      : "Merge models of one architecture.",
    { model, tensor },
  );
}
