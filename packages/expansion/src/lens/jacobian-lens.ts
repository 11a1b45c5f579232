import { InputError, type Ops, type Shaped } from "@resolvent/tensor";
import { type Architecture, blockPlaces, type Model } from "@resolvent/transformer";

/**
 * A Jacobian lens (Gurnee et al. 2026): for each of some layers the mean Jacobian from the stream behind it to the final
 * stream. Plain numbers.
 */
export interface JacobianLens {
  readonly d_model: number;
  /** How many prompts it is the mean over. */
  readonly prompts: number;
  /** `J_l` by layer, from 0: row by row, rows of the final stream and columns of the stream behind layer `l`. */
  readonly jacobians: ReadonlyMap<number, ArrayLike<number>>;
}

/** A lens and what it is called. */
export interface NamedLens extends JacobianLens {
  readonly name: string;
}

/** Where the stream behind each layer is: the name of the layer's last block, by layer. */
export function layerEnds(architecture: Architecture): string[] {
  const ends: string[] = [];
  for (const { layer, name } of blockPlaces(architecture).flat()) ends[layer] = name;
  return ends;
}

/** A lens on an engine: its matrices, `target, d_model`, by the block behind which each reads. */
export type JacobianTensors<T> = ReadonlyMap<string, T>;

/**
 * Puts a lens onto an engine.
 *
 * @throws InputError `expansion/other-lens` for one that is not of this model's shape
 */
export function jacobianTensors<T extends Shaped>(
  ops: Ops<T>,
  { architecture, name }: Pick<Model<T>, "architecture" | "name">,
  lens: JacobianLens,
): JacobianTensors<T> {
  const { d_model, layers } = architecture;
  const ends = layerEnds(architecture);
  const most = Math.max(...lens.jacobians.keys());
  if (lens.d_model !== d_model || most >= layers) {
    throw new InputError({
      code: "expansion/other-lens",
      message: `The lens is of d_model ${lens.d_model}, up to layer ${most}; ${name} has d_model ${d_model}, and layers 0 to ${layers - 1}.`,
      remedy: "Take a lens that was fitted on this model.",
      details: { lens: { d_model: lens.d_model, layer: most }, model: { d_model, layers } },
    });
  }
  const sorted = [...lens.jacobians].sort(([a], [b]) => a - b);
  return new Map(
    sorted.map(([layer, J]) => [
      ends[layer] as string, // checked above
      ops.constant({ target: d_model, d_model }, J),
    ]),
  );
}

/** `J h`: a stream carried to the end by a matrix of a lens. */
export function carried<T extends Shaped>(ops: Ops<T>, J: T, stream: T): T {
  return ops.rename(ops.matmul(stream, J, ["d_model"]), { target: "d_model" });
}
