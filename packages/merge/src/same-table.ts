import type { ModelParts } from "./model-parts.ts";
import { refuse } from "./refuse.ts";

/** The tensor of a model that is the same table as one of the result: its unembedding, or its embedding. */
export function sameTable({ layout, stored, name: model }: ModelParts, name: string): string {
  const { tie } = layout;
  const wanted =
    tie !== undefined && name === tie.unembedding
      ? [tie.unembedding, tie.embedding]
      : [tie?.embedding ?? ""];
  for (const place of wanted) {
    const found = stored(place);
    if (found !== undefined) return found.name;
  }
  throw refuse(
    "tensor-missing",
    `${model} has no table of tokens for ${name}.`,
    "Name another model.",
    { model },
  );
}
