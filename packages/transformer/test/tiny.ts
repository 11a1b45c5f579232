import { reference, type Tensor } from "@resolvent/tensor";
import { type TinyOptions, tinyModel } from "@resolvent/testkit";
import { loadModel, type Model } from "../src/index.ts";

/** A tiny model in the float64 reference. */
export async function tiny(family: string, options?: TinyOptions): Promise<Model<Tensor>> {
  return await loadModel(reference, tinyModel(family, options), { hash: false });
}

/** Seven tokens of the tiny vocabulary, one of them twice. */
export const TOKENS: readonly number[] = [1, 17, 5, 9, 5, 22, 13];
