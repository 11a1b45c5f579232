import { axesOf, inOrder, type Shape, type Shaped, type SyncEngine } from "@resolvent/tensor";
import { encodeNumbers, type TensorToWrite } from "@resolvent/weights";
import type { Parameters } from "./parameters.ts";

/**
 * Parameters as tensors of a file, in 32 bits.
 *
 * @param prefix put before their names: `transformer.` for GPT-2
 * @param shapes in whose order of axes they are stored, by name; default each in its own
 */
export function tensorsOf<T extends Shaped>(
  engine: SyncEngine<T>,
  parameters: Parameters<T>,
  { prefix = "", shapes }: { readonly prefix?: string; readonly shapes?: Shapes } = {},
): TensorToWrite[] {
  return [...parameters].map(([name, value]) => {
    const shape = shapes?.get(name) ?? value.shape;
    return {
      name: prefix + name,
      dtype: "F32" as const,
      shape: axesOf(shape).map((axis) => shape[axis] ?? 0),
      bytes: encodeNumbers(inOrder(engine.read(value), axesOf(shape)).data, "F32"),
    };
  });
}

/** Shapes of parameters by name. */
export type Shapes = ReadonlyMap<string, Shape>;

/** A value as the text of a JSON file. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
