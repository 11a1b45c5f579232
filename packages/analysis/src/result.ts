import type { Shaped } from "@resolvent/tensor";
import { blockNames, type Model } from "@resolvent/transformer";
import type { Vocabulary } from "./subject.ts";

/** What all results have: plain data that survives JSON. */
export interface Result {
  readonly schemaVersion: 1;
  /** What kind of result it is: `degree-expansion`. */
  readonly kind: string;
  readonly model: ModelFacts;
}

/** Which model a result is about. */
export interface ModelFacts {
  readonly name: string;
  readonly sha256: string | null;
  /** `model_type` of its config. */
  readonly architecture: string;
  readonly blocks: readonly string[];
}

/** The facts about a model that its results carry. */
export function modelFacts<T extends Shaped>(model: Model<T>): ModelFacts {
  return {
    name: model.name,
    sha256: model.sha256 ?? null,
    architecture: model.architecture.family,
    blocks: blockNames(model.architecture),
  };
}

/** A token and how it reads. */
export interface TokenFacts {
  readonly id: number;
  readonly text: string;
}

/** Tokens as results carry them. */
export function tokenFacts(
  ids: readonly number[],
  vocabulary: Pick<Vocabulary, "text">,
): TokenFacts[] {
  return ids.map((id) => ({ id, text: vocabulary.text(id) }));
}
