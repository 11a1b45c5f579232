import { type CardFacts, modelCard } from "./card.ts";
import type { MergePlan } from "./plan.ts";
import { indexOf, type Shard } from "./shards.ts";

/** What a merge has written. */
export interface WrittenMerge {
  /** SHA-256 of the weights of each model that was read; absent where they were not hashed. */
  readonly models: ReadonlyMap<string, string | undefined>;
  readonly files: readonly WrittenFile[];
}

export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
  /** Of files of weights. */
  readonly sha256: string | undefined;
}

/** The files of a result beside its weights, in the order in which they are written: its config last. */
export function besideWeights(
  plan: MergePlan,
  shards: readonly Shard[],
  others: ReadonlyMap<string, Uint8Array>,
  facts: CardFacts,
): ReadonlyMap<string, Uint8Array> {
  const { config } = facts;
  const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
  const index = `${JSON.stringify(indexOf(shards), undefined, 2)}\n`;
  return new Map([
    ...(shards.length > 1 ? [["model.safetensors.index.json", encoded(index)] as const] : []),
    ["mergekit_config.yml", encoded(config.endsWith("\n") ? config : `${config}\n`)] as const,
    ["README.md", encoded(modelCard(plan, facts))] as const,
    ...others,
  ]);
}
