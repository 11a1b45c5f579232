import { InputError, type Shaped } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";

const REMEDIES = {
  "dictionary/not-affine":
    "With gates held its features have to be linear in what it reads: evaluate it, or take its sums as sources at a site.",
  "dictionary/no-place":
    "Give SAEs of the stream or of what a block writes, and transcoders from what an MLP reads to what it writes.",
  "dictionary/not-patched":
    "Patch between prompts with transcoders, whose features are nodes; SAEs are sources of one prompt's run.",
  "dictionary/two-places": "Give one dictionary for each block, and one of the stream.",
} as const;

/** What a dictionary does that keeps it out of an expansion. */
export function expansionError<T extends Shaped>(
  code: keyof typeof REMEDIES,
  { name }: Pick<Dictionary<T>, "name">,
  does: string,
): InputError {
  return new InputError({
    code,
    message: `${name} ${does}.`,
    remedy: REMEDIES[code],
    details: { name },
  });
}
