import type { Progress } from "@resolvent/analysis";

/** How far work is, in a line: `degree 2 of 4, loss 1.3`. */
export function toldOf({ done, total, of, note }: Progress): string {
  return `${of} ${done} of ${total}${note === undefined ? "" : `, ${note}`}`;
}
