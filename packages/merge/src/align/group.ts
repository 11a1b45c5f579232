import type { Kind, Placed } from "./places.ts";
import type { Two } from "./two-models.ts";

/** What is put in order at once: the residual basis, or a layer's heads or neurons. */
export interface Group {
  readonly kind: "residual" | "heads" | "mlp";
  /** −1 for the residual basis. */
  readonly layer: number;
}

/** The groups of a sweep, those of which there is more than one of anything. */
export function groupsOf({ sizes }: Two, first: "residual" | "layers"): Group[] {
  const residual: Group = { kind: "residual", layer: -1 };
  const layers = sizes.layers.flatMap(({ kvHeads, group, mlp }, layer): Group[] => [
    ...(kvHeads * group > 1 ? [{ kind: "heads" as const, layer }] : []),
    ...(mlp > 1 ? [{ kind: "mlp" as const, layer }] : []),
  ]);
  return first === "residual" ? [residual, ...layers] : [...layers, residual];
}

/** What kinds of parts a group puts in order. */
export function kindsOf({ kind }: Group): readonly Kind[] {
  return kind === "heads" ? ["heads", "kv"] : [kind];
}

/** The tensors whose entries a group moves. */
export function tensorsOf({ tensors }: Two, group: Group): Placed[] {
  const kinds = kindsOf(group);
  return tensors.filter(
    ({ layer, parts }) =>
      (group.kind === "residual" || layer === group.layer) &&
      parts.some(({ kind }) => kinds.includes(kind)),
  );
}
