import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Why a request is refused: an HTTP status and a sentence. */
interface Refused {
  readonly status: 401 | 403 | 415;
  readonly message: string;
}

/** What a server of this machine lets in. */
export interface Guard {
  /** Whether a request is for this server by a name of its own, whatever it asks for. */
  place(headers: IncomingHttpHeaders): Refused | undefined;
  /** Whether it comes from the page that this server has sent, or, where it has none, from no page; of whoever has the token. */
  asker(headers: IncomingHttpHeaders): Refused | undefined;
}

/**
 * What keeps others away from a server on the loopback address. A page of another site reaches it through the visitor's
 * browser, with that site's `Origin`, or with that site's name as `Host` where its name is made to lead here (DNS
 * rebinding); a program of another user of the machine lacks the token.
 */
export function guardOf({
  port,
  token,
  page,
}: {
  readonly port: number;
  readonly token: string;
  /** Whether it serves a page. */
  readonly page: boolean;
}): Guard {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  return {
    place: ({ host = "" }) =>
      hosts.includes(host.toLowerCase())
        ? undefined
        : { status: 403, message: `This server is called ${hosts.join(" or ")}.` },
    asker: ({ host = "", origin, authorization = "", ...headers }) => {
      if (origin !== (page ? `http://${host.toLowerCase()}` : undefined))
        return {
          status: 403,
          message: page
            ? "Only the page of this server may ask it."
            : "No page may ask this server.",
        };
      const [, given = ""] = /^Bearer ([\w-]{1,200})$/.exec(authorization) ?? [];
      if (!sameWord(given, token)) {
        return {
          status: 401,
          message: page
            ? "This is not the token of this server: open the link that `resolvent lab` has printed."
            : "This is not the token of this server: `resolvent serve` has printed it.",
        };
      }
      // A form of another site can send other types without being asked whether it may.
      if (!/^application\/json\b/.test(headers["content-type"] ?? ""))
        return { status: 415, message: "A request is application/json." };
      return undefined;
    },
  };
}

/** Whether two words are the same, in a time that does not depend on where they differ. */
export function sameWord(a: string, b: string): boolean {
  const digest = (word: string): Buffer => createHash("sha256").update(word).digest();
  return timingSafeEqual(digest(a), digest(b));
}
