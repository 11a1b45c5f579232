import type { COLOURS, Shape } from "@resolvent/figures";

/** A drawing that is to be painted. */
export interface PaintQuestion {
  readonly shapes: readonly Shape[];
  /** CSS pixels, and how many of the device each has. */
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  /** As they are where it is to be seen: a worker has no styles. */
  readonly colours: Readonly<Record<keyof typeof COLOURS.light, string>>;
}

export type PaintReply = { readonly picture: ImageBitmap } | { readonly failure: string };
