import { bytes } from "./figures.ts";
import type { Progress } from "./subject.ts";

/** How far work is, in a line: `degree 2 of 4`, `1.2 GiB of 3.4 GiB, 90 MiB/s`. */
export function toldOf({ done, total, of, note }: Progress): string {
  const far = of === "byte" ? `${bytes(done)} of ${bytes(total)}` : `${of} ${done} of ${total}`;
  return note === undefined ? far : `${far}, ${note}`;
}
