import { bytes } from "@resolvent/analysis";
import { failureOf } from "@resolvent/analysis/remote";
import type { FindOptions } from "resolvent";
import type { Terminal } from "./terminal.ts";

/** Says of what is fetched from the Hub how far it is, and what it waits for. */
export function saysFetching(
  name: string,
  terminal: Terminal,
): Required<Pick<FindOptions, "onProgress" | "onWait">> {
  return {
    onProgress: ({ file, done, total, rate }) =>
      terminal.progress(`${name}: ${bytes(done)} of ${bytes(total)}, ${bytes(rate)}/s, ${file}`),
    onWait: ({ ms, failure }) =>
      terminal.progress(`Again in ${Math.ceil(ms / 1000)} s: ${failureOf(failure).message}`),
  };
}
