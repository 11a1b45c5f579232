import { randomBytes } from "node:crypto";
import type { Workplace } from "@resolvent/analysis/remote";
import { type AskServer, type SendFile, startAskServer } from "../machine/ask-server.ts";
import { refuse } from "../machine/askers.ts";
import { sameWord } from "../machine/guard.ts";
import { HEADERS } from "../machine/headers.ts";
import { staticFiles } from "./static-files.ts";

/** How long the link that opens the browser holds, in milliseconds. */
const ONCE = 60_000;

/** A server of the app and of a workplace, on this machine and for it alone. */
export interface LabServer extends Pick<AskServer, "port" | "close"> {
  /** With its token: for whoever may use it. */
  readonly link: string;
  /** The same for one use within a minute: command lines of programs are seen by other users of the machine. */
  readonly linkOnce: string;
}

/**
 * Serves a built app, and the protocol of analyses at `/ask`.
 *
 * @param port default 4184, or a free one where that is taken
 * @throws InputError `cli/usage` where the port that was asked for is taken
 */
export async function startLabServer({
  app,
  elsewhere,
  workplace,
  port,
  fragment = "",
}: {
  /** The folder of the app. */
  readonly app: string;
  /** Files of the app that are not in its folder, by their names in it. */
  readonly elsewhere?: ReadonlyMap<string, string>;
  readonly workplace: Workplace;
  readonly port?: number | undefined;
  /** What the page shows, as its own links say it. */
  readonly fragment?: string;
}): Promise<LabServer> {
  let once: string | undefined = randomBytes(24).toString("base64url");
  const started = Date.now();
  const files = staticFiles(app, elsewhere);
  const send =
    (token: string): SendFile =>
    (address, request, response) => {
      const given = address.searchParams.get("once");
      if (address.pathname === "/" && given !== null) {
        const holds = once !== undefined && Date.now() - started < ONCE && sameWord(given, once);
        if (!holds)
          return refuse(response, 403, "This link was for one use: open the one that was printed.");
        once = undefined;
        response.writeHead(302, {
          ...HEADERS,
          "cache-control": "no-store",
          location: `/?token=${token}`,
        });
        response.end();
        return;
      }
      if (!files.send(address.pathname, request, response))
        refuse(response, 404, "There is no such file.");
    };
  const { token, ...server } = await startAskServer({ workplace, port, send });
  const end = fragment === "" ? "" : `#${fragment}`;
  const place = `http://127.0.0.1:${server.port}/`;
  return {
    ...server,
    link: `${place}?token=${token}${end}`,
    linkOnce: `${place}?once=${once}${end}`,
  };
}
