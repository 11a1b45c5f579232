import type { Buffers } from "./parts.ts";
import { TILES, type Tiles } from "./tiles.ts";

/** What kernels are written for: how tensors lie, and what the device can beyond what all can. */
export interface Traits extends Buffers {
  /** Threads of a subgroup, which exchange numbers without memory; 0 where kernels do without. */
  readonly lanes: number;
  /** Whether the device widens 16-bit floats itself, exactly. */
  readonly halves: boolean;
  /**
   * Whether a processor stands in for a GPU. Threads of a workgroup take turns there: what they share saves nothing, and
   * where they meet all are put aside in turn.
   */
  readonly software: boolean;
  readonly tiles: Tiles;
}

/** Nothing that an adapter may lack, and the tiles that do well on most. */
export const PLAIN: Omit<Traits, keyof Buffers> = {
  lanes: 0,
  halves: false,
  software: false,
  tiles: { large: TILES[0], small: TILES[1] },
};
