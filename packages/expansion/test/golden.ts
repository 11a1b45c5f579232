import { type Engine, inOrder, type Shaped } from "@resolvent/tensor";
import type { Fixtures } from "@resolvent/testkit";
import { loadModel, type Model } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import type { Gate } from "../src/index.ts";

/** What the golden files say about degrees; the words of their `spec` define every field. */
export interface GoldenModel {
  readonly prompts: readonly GoldenPrompt[];
}

interface GoldenPrompt {
  readonly ids: readonly number[];
  readonly T_norm: number;
  readonly x0_norm: number;
  readonly block_output_norm: readonly number[];
  readonly last_row_T_first5: readonly number[];
  readonly degree: Readonly<Record<FreezeSet, GoldenDegrees>>;
  readonly naive_post: { readonly n_terms: number; readonly relerr: number };
}

interface GoldenDegrees {
  readonly D_norm: readonly number[];
  readonly share: readonly number[];
  readonly relerr_T: readonly number[];
  readonly kl_final_frozen: readonly number[];
  readonly top1_final_frozen: readonly number[];
  readonly kl_final_live: readonly number[];
  readonly top1_final_live: readonly number[];
  readonly D_last_row_norm: readonly number[];
  readonly D_last_row_first3: readonly (readonly number[])[];
  /** Of the frozen set only: the same by a dynamic programme. */
  readonly DP_norm?: readonly number[];
}

export const goldenModels = [
  "stories260k",
  "nano-sort-gpt2",
  "neel-induction-2l",
  "neel-modadd113-1l",
] as const;

export const freezeSets = {
  truncated: [],
  amfotc: ["pattern"],
  pattern_norm: ["pattern", "norm"],
  frozen: ["pattern", "norm", "activation"],
} as const satisfies Record<string, readonly Gate[]>;

export type FreezeSet = keyof typeof freezeSets;

export function loadGolden<T extends Shaped>(
  engine: Engine<T>,
  fixtures: Fixtures,
  name: string,
): Promise<Model<T>> {
  return loadModel(engine, folderOf(fixtures.models(name)), { hash: false });
}

/** A tensor as rows of `d_model` numbers, the axes before it in the given order. */
export async function rowsOf<T extends Shaped>(
  engine: Engine<T>,
  a: T,
  axes: readonly string[],
): Promise<number[][]> {
  const { shape, data } = inOrder(await engine.read(a), [...axes, "d_model"]);
  const width = shape.d_model ?? 0;
  return Array.from({ length: data.length / width }, (_, row) =>
    Array.from(data.subarray(row * width, (row + 1) * width)),
  );
}

export const normOf = (numbers: ArrayLike<number>): number =>
  Math.sqrt(Array.from(numbers).reduce((sum, x) => sum + x * x, 0));
