import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Workplace } from "@resolvent/analysis/remote";
import { usageError } from "../failure.ts";
import { askersOf, refuse } from "./askers.ts";
import { guardOf } from "./guard.ts";

/** Where a server is looked for, before any free port: what its page has stored belongs to its port. */
const PORT = 4184;

/** Answers what is no question; by GET or HEAD only. */
export type SendFile = (address: URL, request: IncomingMessage, response: ServerResponse) => void;

/** A server of a workplace, on this machine and for it alone. */
export interface AskServer {
  readonly port: number;
  /** Whoever has it may ask. */
  readonly token: string;
  /** Ends all that is being done, and the server. */
  close(): Promise<void>;
}

/**
 * Serves the protocol of analyses at `/ask`, and files where it has a page.
 *
 * @param port default 4184, or a free one where that is taken
 * @throws InputError `cli/usage` where the port that was asked for is taken
 */
export async function startAskServer({
  workplace,
  port,
  send,
}: {
  readonly workplace: Workplace;
  readonly port?: number | undefined;
  /** Sends the files of its page, for whoever has the token; absent where there is none. */
  readonly send?: (token: string) => SendFile;
}): Promise<AskServer> {
  const token = randomBytes(24).toString("base64url");
  const file = send?.(token);
  const askers = askersOf(workplace);
  const server = createServer({ requestTimeout: 30_000 });
  server.maxConnections = 256;
  await listen(server, port);
  const { port: own } = server.address() as AddressInfo; // it listens on a port
  const guard = guardOf({ port: own, token, page: file !== undefined });
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
    if (file === undefined) return refuse(response, 404, "There is only /ask here.");
    if (method !== "GET" && method !== "HEAD")
      return refuse(response, 405, "A file is got by GET.");
    file(address, request, response);
  });
  return {
    ...{ port: own, token },
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
