import { type Arithmetic, onThisThread } from "./arithmetic.ts";
import { type Slots, slotsOf } from "./walk.ts";

/** What a merge computes with. */
export interface Workshop {
  readonly arithmetic: Arithmetic;
  readonly slots: Slots;
}

let here: Promise<Workshop> | undefined;

/** What computes on the calling thread; its memory is made once. */
export function hereWorkshop(): Promise<Workshop> {
  here ??= onThisThread().then((arithmetic) => ({ arithmetic, slots: slotsOf(arithmetic) }));
  here.catch(() => {
    here = undefined;
  });
  return here;
}
