import {
  type Axis,
  axesOf,
  InputError,
  type Ops,
  type Shape,
  type Shaped,
} from "@resolvent/tensor";
import { type Get, showSizes } from "./families/family.ts";
import type { Architecture } from "./model.ts";
import { type Parts, storedName } from "./parts.ts";

/** Gives the numbers of a stored tensor. */
export type Source<T> = (name: string, shape: Shape) => T;

/**
 * Gives a family's tensors from a checkpoint; `used` gets their stored names.
 * Throws `transformer/missing-tensor`, `transformer/wrong-size`.
 */
export function getFrom<T extends Shaped>(
  ops: Ops<T>,
  parts: Parts,
  source: Source<T>,
  used: Set<string>,
): Get<T> {
  const { family, architecture, checkpoint } = parts;
  const { prefix } = parts.names;
  const full = (name: string): string | undefined => storedName(checkpoint, prefix, name);
  const { embedding, unembedding } = family.tie ?? {};
  const get = (name: string, shape: Shape, into: Readonly<Record<Axis, Shape>> = {}): T => {
    // Of two tensors that are one, a file may hold either.
    const other = architecture.tied && name === embedding ? unembedding : undefined;
    const stored = full(name) ?? (other === undefined ? undefined : full(other));
    if (stored === undefined) {
      throw missingTensor(parts, name, { other, untied: name === unembedding });
    }
    const { shape: got, dtype } = checkpoint.info(stored);
    if (!isFloat(dtype)) throw wholeNumbers(stored, dtype);
    const expected = axesOf(shape).map((axis) => shape[axis]);
    if (got.length !== expected.length || got.some((size, i) => size !== expected[i])) {
      throw new InputError({
        code: "transformer/wrong-size",
        message: `${stored} should be ${showSizes(shape)} (${axesOf(shape).join(", ")}), got [${got.join(", ")}].`,
        remedy: "Check that config.json belongs to these weights.",
        details: { tensor: stored, expected: shape, got },
      });
    }
    used.add(stored);
    let value = source(stored, shape);
    for (const [axis, parts] of Object.entries(into)) value = ops.split(value, axis, parts);
    return value;
  };
  return Object.assign(get, { has: (name: string): boolean => full(name) !== undefined, ops });
}

function isFloat(dtype: string): boolean {
  return /^B?F\d/.test(dtype);
}

/** Whole numbers are what quantized weights are stored as; without their scales they are another model's. */
function wholeNumbers(tensor: string, dtype: string): InputError {
  return new InputError({
    code: "weights/unsupported-dtype",
    message: `${tensor} is stored as ${dtype}: weights are floats, and the scales of quantized ones are not read.`,
    remedy: "Use the checkpoint before quantization, or dequantize it.",
    details: { tensor, dtype },
  });
}

/** A tensor that nothing asked for means that the model is not what its config says. */
export function refuseUnused(
  weights: readonly string[],
  used: ReadonlySet<string>,
  name: string,
  { family, layers }: Architecture,
): void {
  const odd = weights.filter((weight) => !used.has(weight));
  if (odd.length === 0) return;
  throw new InputError({
    code: "transformer/unexpected-tensor",
    message: `${name} holds ${odd.length} tensors that a ${family} model of ${layers} layers has no place for: ${odd.slice(0, 3).join(", ")}${odd.length > 3 ? ", …" : ""}.`,
    remedy:
      "Leaving them out would give another model; check model_type and the number of layers in config.json.",
    details: { names: odd },
  });
}

/** What libraries put into the names of a model that they wrap. */
const WRAPPERS =
  /(?<=^|\.)(?:_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module|base_layer)\./g;

/** A name that a checkpoint has for a tensor that is missing, and what there is too much in it. */
function wrappedName(
  { family, checkpoint }: Parts,
  name: string,
): { readonly stored: string; readonly wrapper: string } | undefined {
  const wanted = family.prefixes.map((prefix) => prefix + name);
  const inside = checkpoint.names.find((one) => {
    const bare = one.replace(WRAPPERS, "");
    return bare !== one && wanted.includes(bare);
  });
  const wrapper = inside?.match(WRAPPERS)?.join("");
  if (inside !== undefined && wrapper !== undefined) return { stored: inside, wrapper };
  for (const ending of wanted) {
    const longer = checkpoint.names.find((one) => one.endsWith(`.${ending}`));
    if (longer !== undefined) {
      return { stored: longer, wrapper: longer.slice(0, longer.length - ending.length) };
    }
  }
  return undefined;
}

/** `transformer/missing-tensor`; says which prefix its name has in the file, where it has one too many. */
function missingTensor(
  parts: Parts,
  name: string,
  { other, untied }: { readonly other: string | undefined; readonly untied: boolean },
): InputError {
  const { checkpoint, names } = parts;
  const wanted = names.prefix + name;
  const wrapped = wrappedName(parts, name);
  const message = [
    `${checkpoint.name} has no tensor ${wanted}${other === undefined ? "" : ` and no ${other}`}.`,
    ...(untied
      ? ["config.json does not say that it is the embedding (tie_word_embeddings false or absent)."]
      : []),
    ...(wrapped ? [`It has ${wrapped.stored}, with "${wrapped.wrapper}" in its name.`] : []),
  ];
  return new InputError({
    code: "transformer/missing-tensor",
    message: message.join(" "),
    remedy:
      wrapped === undefined
        ? "Check that config.json belongs to these weights."
        : `Take "${wrapped.wrapper}" out of the names, or save the model without what wraps it (torch.compile writes _orig_mod., DataParallel module.).`,
    details: { tensor: wanted, ...(wrapped && { stored: wrapped.stored }) },
  });
}
