import { InputError } from "@resolvent/tensor";
import type { ByteSource, Folder } from "@resolvent/weights";
import type { TextFile } from "./file.ts";

/** What an analysis can need beside the weights of its model, in words. */
export const NEEDS: Readonly<Record<Need, string>> = {
  layers: "all layers in memory at once",
  float64: "the model in float64",
  linearAlgebra: "decompositions of matrices",
  models: "other models than the first",
  folders: "the files of its models",
  dictionary: "a dictionary",
  corpus: "a corpus",
  pairs: "pairs of prompts",
};

/** Something that an analysis can need. */
export type Need = keyof Provisions;

/** What a host gives for each need: `subject.provided` has it. */
export interface Provisions {
  readonly layers: true;
  readonly float64: true;
  readonly linearAlgebra: true;
  /** `subject.models` has those that parameters name. Whoever gives one needs this, without a word about it. */
  readonly models: true;
  /** `subject.folders` has the files of the model and of the others. */
  readonly folders: true;
  /** One or several, in the order in which they were named. */
  readonly dictionary: readonly DictionaryFiles[];
  readonly corpus: TextFile;
  /** JSON lines. */
  readonly pairs: TextFile;
}

/** The files of a dictionary, or of a set of them. */
export interface DictionaryFiles {
  /** As it was named: what messages and results call it. */
  readonly name: string;
  readonly folder: Folder;
  /** Opens what its config names in other places, `hf://repo/file?revision=…`; absent where a host does not. */
  readonly elsewhere?: (address: string) => Promise<ByteSource | undefined>;
}

/** Why a host does not give something. */
export interface Refusal {
  /** `--stream reads them one at a time` */
  readonly refused: string;
  readonly remedy: string;
}

/** What a host gives; what is not there it does not have. */
export type Provided = { readonly [N in Need]?: Provisions[N] };

/** The same, with reasons for what it does not give. */
export type Offered = { readonly [N in Need]?: Provisions[N] | Refusal };

/**
 * What an analysis gets of all that a host offers: what it needs, and nothing else.
 *
 * @throws InputError `analysis/not-provided` for the first need that the host does not meet
 */
export function providedFor(name: string, needs: readonly Need[], offered: Offered): Provided {
  return Object.fromEntries(needs.map((need) => [need, providedOf(name, need, offered[need])]));
}

function providedOf<N extends Need>(
  name: string,
  need: N,
  offer: Provisions[N] | Refusal | undefined,
): Provisions[N] {
  if (!Object.hasOwn(NEEDS, need)) {
    throw new InputError({
      code: "analysis/unknown-need",
      message: `${name} needs "${need}"; an analysis can need ${Object.keys(NEEDS).join(", ")}.`,
      details: { analysis: name, need },
    });
  }
  return offer === undefined || isRefusal(offer) ? refuse(name, need, offer) : offer;
}

/** @throws InputError `analysis/not-provided` */
export function refuse(name: string, need: Need, refusal?: Refusal): never {
  const { refused, remedy } = refusal ?? NOTHING;
  throw new InputError({
    code: "analysis/not-provided",
    message: `${name} needs ${NEEDS[need]}: ${refused}.`,
    remedy,
    details: { analysis: name, need },
  });
}

const NOTHING: Refusal = { refused: "there is none here", remedy: "Run it where there is." };

function isRefusal(offer: Provisions[Need] | Refusal): offer is Refusal {
  return typeof offer === "object" && "refused" in offer;
}
