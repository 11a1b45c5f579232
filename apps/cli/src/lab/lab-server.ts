import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Workplace } from "@resolvent/analysis/remote";
import { usageError } from "../failure.ts";
import { askersOf, refuse } from "./askers.ts";
import { guardOf, sameWord } from "./guard.ts";
import { HEADERS, staticFiles } from "./static-files.ts";

/** Where the app's page is looked for, before any free port: what it has stored belongs to its port. */
const PORT = 4184;

/** How long the link that opens the browser holds, in milliseconds. */
const ONCE = 60_000;

/** A server of the app and of a workplace, on this machine and for it alone. */
export interface LabServer {
  /** With its token: for whoever may use it. */
  readonly link: string;
  /** The same for one use within a minute: command lines of programs are seen by other users of the machine. */
  readonly linkOnce: string;
  readonly port: number;
  /** Ends all that is being done, and the server. */
  close(): Promise<void>;
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
  const token = randomBytes(24).toString("base64url");
  let once: string | undefined = randomBytes(24).toString("base64url");
  const started = Date.now();
  const files = staticFiles(app, elsewhere);
  const askers = askersOf(workplace);
  const server = createServer({ requestTimeout: 30_000 });
  server.maxConnections = 256;
  await listen(server, port);
  const { port: own } = server.address() as AddressInfo; // it listens on a port
  const guard = guardOf({ port: own, token });
  const end = fragment === "" ? "" : `#${fragment}`;
  server.on("request", (request, response) => {
    const { method = "", headers } = request;
    const refused = guard.place(headers);
    if (refused !== undefined) return refuse(response, refused.status, refused.message);
    const address = addressOf(request.url);
    if (address === undefined) return refuse(response, 400, "This is no address.");
    if (address.pathname === "/ask") {
      if (method !== "POST") return refuse(response, 405, "A request is a POST.");
      const why = guard.asker(headers);
      if (why !== undefined) return refuse(response, why.status, why.message);
      askers.answer(request, response).catch(() => response.destroy()); // whoever asked has gone
      return;
    }
    if (method !== "GET" && method !== "HEAD")
      return refuse(response, 405, "A file is got by GET.");
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
  });
  const place = `http://127.0.0.1:${own}/`;
  return {
    link: `${place}?token=${token}${end}`,
    linkOnce: `${place}?once=${once}${end}`,
    port: own,
    close: async () => {
      askers.end();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function addressOf(url = ""): URL | undefined {
  return /^\/(?!\/)/.test(url) && URL.canParse(url, "http://localhost")
    ? new URL(url, "http://localhost")
    : undefined;
}

async function listen(server: Server, port: number | undefined): Promise<void> {
  const on = (number: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      // The loopback address alone: nothing comes from another machine.
      server.listen(number, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  try {
    await on(port ?? PORT);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // of the system
    if (port === undefined && code === "EADDRINUSE") return await on(0);
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    throw usageError(`--port ${port} cannot be used (${code}).`, "Give another, or none.");
  }
}
