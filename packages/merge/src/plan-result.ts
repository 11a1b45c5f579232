import { tensorLayout } from "@resolvent/transformer";
import { type ModelParts, missing } from "./model-parts.ts";
import { refuse } from "./refuse.ts";

/** A tensor of the result. */
export interface Made {
  /** Its name without prefix. */
  readonly place: string;
  readonly name: string;
  readonly shape: readonly number[];
  /** The first of the models that it is made of. */
  readonly model: string;
}

/**
 * Whether the tensors of a result are those that its config.json describes: slices of models of other sizes, or with other
 * tensors, fit within themselves and not together.
 *
 * @throws InputError `merge/shape`, `merge/vocabulary`, `merge/tensor-missing`, `merge/unexpected-tensor`
 */
export function checkResult(
  donor: ModelParts,
  config: Readonly<Record<string, unknown>>,
  made: readonly Made[],
): void {
  const own = new Map(made.map((one) => [one.place, one]));
  const layout = tensorLayout(config, (place) => own.has(place));
  const layers = Array.from({ length: layout.architecture.layers }, (_, i) => layout.layer(i));
  const inLayers = layers.flatMap(({ tensors }) => tensors);
  const wanted = [...layout.embed, ...inLayers, ...layout.final];
  for (const { name: place, shape } of wanted) {
    const found = own.get(place);
    if (found === undefined) throw missing("The result", donor.prefix + place, donor.name);
    own.delete(place);
    if (found.shape.join() === shape.join()) continue;
    const table = place === layout.tie?.embedding || place === layout.tie?.unembedding;
    const rows = table && found.shape.slice(1).join() === shape.slice(1).join();
    throw refuse(
      rows ? "vocabulary" : "shape",
      `${found.name}: [${found.shape.join(", ")}] in ${found.model}, and [${shape.join(", ")}] in the result by the config.json of ${donor.name}.`,
      rows ? "Say which vocabulary the result has: tokenizer_source." : "Merge models of one size.",
      { tensor: found.name, model: found.model, expected: shape, got: found.shape },
    );
  }
  for (const { name, model } of own.values()) {
    throw refuse(
      "unexpected-tensor",
      `${name} of ${model} has no place in the result by the config.json of ${donor.name}.`,
      "Leaving it out would give another model: name a base_model that has it.",
      { tensor: name, model },
    );
  }
}
