import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type Answer,
  answerRequests,
  PROTOCOL,
  type Reply,
  type Workplace,
} from "@resolvent/analysis/remote";
import { HEADERS } from "./headers.ts";

/** Bytes of a request at most: a prompt beyond this, some million tokens, is a mistake. */
const MOST_BYTES = 4 * 2 ** 20;

/** Requests that are answered at a time, at most: each waits with an open connection. */
const MOST_OPEN = 32;

/** Requests over HTTP to a workplace. */
export interface Askers {
  /** Answers the request in the body of an HTTP request: a line of JSON for each reply. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Ends all that is being done. */
  end(): void;
}

/** Who waits for replies. */
interface Waiting {
  readonly own: number | null;
  readonly response: ServerResponse;
}

/**
 * The protocol over HTTP. A request is a POST; its replies are lines of JSON in the answer, which ends with the last of
 * them. Who closes the connection cancels. All requests, of whatever page, go to one workplace: one run at a time has
 * the machine.
 */
export function askersOf(
  workplace: Workplace,
  { most = MOST_OPEN }: { readonly most?: number } = {},
): Askers {
  const waiting = new Map<number, Waiting>();
  let next = 0;
  /** Whose message is being read: what is no request has no id to answer to. */
  let heard: number | undefined;
  const answering = answerRequests(workplace, (reply) => {
    const to = reply.to ?? heard;
    const asker = to === undefined ? undefined : waiting.get(to);
    if (to === undefined || asker === undefined) return; // it has gone
    const last = !["progress", "partial", "warnings"].includes(reply.say);
    // Who does not read in time misses how far it was, and nothing else.
    if (reply.say === "progress" && asker.response.writableNeedDrain) return;
    asker.response.write(lineOf({ ...reply, to: asker.own }));
    if (!last) return;
    waiting.delete(to);
    asker.response.end();
  });
  return {
    answer: async (request, response) => {
      const message = await readJson(request);
      if ("status" in message) return refuse(response, message.status, message.message);
      const { value } = message;
      const own = Number.isSafeInteger(value.id) ? (value.id as number) : null; // as was just seen
      if (waiting.size >= most) {
        return refuse(response, 429, `${waiting.size} requests are being answered already.`, own);
      }
      if (value.ask === "cancel") {
        return refuse(response, 400, "A request is cancelled by closing its connection.", own);
      }
      const id = next++;
      waiting.set(id, { own, response });
      response.on("close", () => {
        if (!waiting.delete(id)) return;
        answering.hear({ protocol: PROTOCOL, id: next++, ask: "cancel", request: id });
      });
      response.writeHead(200, { ...HEADERS, "content-type": NDJSON, "cache-control": "no-store" });
      response.flushHeaders();
      heard = id;
      // Whoever sends no id, or a wrong one, is to hear of it.
      answering.hear(own === null ? value : { ...value, id });
      heard = undefined;
    },
    end: () => {
      answering.end();
    },
  };
}

const NDJSON = "application/x-ndjson";

/** Refuses a request as a reply of the protocol, which whoever asks can show. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  to: number | null = null,
): void {
  const code = `cli/http-${status}`;
  const failure = { kind: "input", code, message, remedy: null } as const;
  const said: Answer = { say: "failure", failure };
  // What was not read of a request is not read any more.
  response.writeHead(status, { ...HEADERS, "content-type": NDJSON, connection: "close" });
  response.end(lineOf({ protocol: PROTOCOL, to, ...said }));
}

/** A reply as a line. */
export function lineOf(reply: Reply): string {
  return `${JSON.stringify(reply)}\n`;
}

type Read =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly status: 400 | 413; readonly message: string };

/** The body of a request as a JSON object. */
async function readJson(request: IncomingMessage): Promise<Read> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    parts.push(part);
    size += part.length;
    if (size > MOST_BYTES)
      return { status: 413, message: `A request has at most ${MOST_BYTES} bytes.` };
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { value: value as Readonly<Record<string, unknown>> }; // of an object, anything
  } catch {}
  return { status: 400, message: "A request is an object of JSON." };
}
