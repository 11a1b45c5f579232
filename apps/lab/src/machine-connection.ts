import { type Asking, askOver } from "@resolvent/analysis/remote";
import { onceMade } from "@resolvent/tensor";
import type { MachineConnectionOptions } from "./machine-requests.ts";

/**
 * Asks the program that has served the page: a request is a POST, whose replies are lines of JSON. What is cancelled
 * has its connection closed, which the program takes as the wish to stop.
 */
export function machineConnection(options: MachineConnectionOptions): Asking {
  const sending = onceMade(async () =>
    (await import("./machine-requests.ts")).requestsTo(options, asking),
  );
  const asking: Asking = askOver((request) => {
    sending().then(
      (send) => send(request),
      (error: Error) => asking.fail(error),
    );
  });
  return asking;
}

/** Where the token is kept: for all pages of this server, also those that were open before it was started again. */
const KEPT = "resolvent-token";

/**
 * Gives the token of the server that a page may ask, as it is at each time. That of the link that opened the page is
 * kept, and taken out of its address, which people copy.
 *
 * @returns undefined where the page was served without one: it is a folder of files
 */
export function tokenOf(page: Window): (() => string | undefined) | undefined {
  const { location, history } = page;
  const given = new URLSearchParams(location.search).get("token");
  try {
    if (given !== null) page.localStorage.setItem(KEPT, given);
    else if (page.localStorage.getItem(KEPT) === null) return undefined;
  } catch {
    // A page that may keep nothing goes by its link.
    if (given === null) return undefined;
  }
  if (given !== null)
    history.replaceState(history.state, "", `${location.pathname}${location.hash}`);
  return () => {
    try {
      return page.localStorage.getItem(KEPT) ?? undefined;
    } catch {
      return given ?? undefined;
    }
  };
}
