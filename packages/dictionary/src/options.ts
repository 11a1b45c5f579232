import type { Shaped } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { ByteSource, ReadOptions } from "@resolvent/weights";
import type { Dictionary, Layout, PositionSlice } from "./dictionary.ts";
import { type DictionarySite, parseSite } from "./site.ts";

export interface LoadDictionaryOptions extends ReadOptions {
  /** Where it reads, `L1.mlp.after`: needed where its files do not say, and holds against them. */
  readonly site?: string;
  /** What it predicts, where that is another site; default `site`, of a transcoder what its files say. */
  readonly output?: string;
  /** What inputs are multiplied with where a config asks for it and no file has it: `norm_scaling_factor` of a release. */
  readonly normScalingFactor?: number;
  /** Positions whose activations are none; default none. circuit-tracer leaves out the first. */
  readonly zeroPositions?: readonly number[];
  /**
   * Whether the stream was that of weights whose writing parts are centred: then inputs are centred here. Default what
   * its config says; the SAEs `gpt2-small-res-jb` want it.
   */
  readonly centred?: boolean;
  /** Which layer, of a folder that holds one dictionary for each. */
  readonly layer?: number;
  /** Whose layout the folder has; default what its files look like. */
  readonly layout?: Layout;
  /**
   * Whether matrices of F16 and BF16 are widened to the engine's precision; default true. Where they are not, an engine
   * that can keeps them at two bytes an entry and widens each whenever it is used: the same numbers, slower.
   */
  readonly widen?: boolean;
  /** Opens what a config names in other places, `hf://repo/file?revision=…`; default: that is refused. */
  readonly elsewhere?: (address: string) => Promise<ByteSource | undefined>;
}

/** What a layout says of a dictionary besides its numbers. */
export interface Told {
  readonly input?: string | undefined;
  readonly output?: string | undefined;
  readonly head?: number | undefined;
  readonly positions?: PositionSlice | undefined;
  readonly centred?: boolean;
  readonly warnings?: readonly Warning[];
}

/** What `LoadDictionaryOptions` and a layout together say. */
export function placed<T extends Shaped>(
  options: LoadDictionaryOptions,
  { input, output, head, positions, centred, warnings = [] }: Told,
  transcoder: boolean,
): Pick<
  Dictionary<T>,
  "input" | "output" | "positions" | "zeroPositions" | "centred" | "warnings"
> {
  const from = options.site ?? input;
  const to = options.output ?? (transcoder ? output : from);
  const at = (text: string): DictionarySite => ({
    ...parseSite(text),
    ...(head !== undefined && options.site === undefined && { head }),
  });
  return {
    ...(from !== undefined && { input: at(from) }),
    ...(to !== undefined && { output: at(to) }),
    ...(positions !== undefined && { positions }),
    zeroPositions: options.zeroPositions ?? [],
    centred: options.centred ?? centred ?? false,
    warnings,
  };
}

/** The last part of a folder's name: `layers.5.mlp`. */
export function lastPart(name: string): string {
  return name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
}
