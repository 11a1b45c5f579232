import { onceMade } from "@resolvent/tensor";
import { type Arithmetic, onThisThread } from "./arithmetic.ts";
import { type Slots, slotsOf } from "./walk.ts";

/** What a merge computes with. */
export interface Workshop {
  readonly arithmetic: Arithmetic;
  readonly slots: Slots;
}

/** What computes on the calling thread; its memory is made once. */
export const hereWorkshop: () => Promise<Workshop> = onceMade(async () => {
  const arithmetic = await onThisThread();
  return { arithmetic, slots: slotsOf(arithmetic) };
});
