import type { Axis, Ops, Shape, Shaped } from "@resolvent/tensor";
import type { Get } from "./families/family.ts";
import { readConfig } from "./families/index.ts";
import type { Model } from "./model.ts";

export interface AssembleOptions {
  /** What results call the model; default its `model_type`. */
  readonly name?: string;
  /**
   * Whether a tensor that may be absent is there, whatever the config says: biases and norms of TransformerLens;
   * default: all are.
   */
  readonly has?: (tensor: string) => boolean;
}

/**
 * A model from tensors at hand: `config` says what they mean, `tensor` gives each by the name that checkpoints of
 * the family use (without their common prefix), with axes in the checkpoint's order. New models are made and
 * trained this way: what is asked for is the list of parameters.
 *
 * ```ts
 * const parameters = new Map();
 * assembleModel(cpu, config, (name, shape) => {
 *   parameters.set(name, cpu.constant(shape, initial(name, shape)));
 *   return parameters.get(name);
 * });
 * ```
 *
 * @throws InputError `transformer/unsupported-config`, `transformer/bad-config`
 */
export function assembleModel<T extends Shaped>(
  ops: Ops<T>,
  config: Readonly<Record<string, unknown>>,
  tensor: (name: string, shape: Shape) => T,
  options: AssembleOptions = {},
): Model<T> {
  const { family, fields, architecture, warnings } = readConfig(config);
  const read = (name: string, shape: Shape, into: Readonly<Record<Axis, Shape>> = {}): T =>
    Object.entries(into).reduce(
      (t, [axis, parts]) => ops.split(t, axis, parts),
      tensor(name, shape),
    );
  const get: Get<T> = Object.assign(read, { has: options.has ?? (() => true), ops });
  return {
    name: options.name ?? fields.family,
    ...(warnings.length > 0 && { warnings }),
    architecture,
    ...family.ends(get, fields, architecture),
    stages: Array.from({ length: architecture.layers }, (_, layer) =>
      family.layer(get, fields, architecture, layer),
    ).flat(),
  };
}
