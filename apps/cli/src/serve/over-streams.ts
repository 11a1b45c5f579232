import {
  answerRequests,
  type Failure,
  PROTOCOL,
  type Reply,
  type Workplace,
} from "@resolvent/analysis/remote";
import { lineOf } from "../machine/askers.ts";
import type { Terminal } from "../terminal.ts";
import { linesTo } from "./lines.ts";

/** Bytes of a request at most: a corpus is part of one. */
const MOST_BYTES = 2 ** 28;

/** Answers requests of standard input, a line each, on standard output; resolves once the last one is answered. */
export async function answerOverStreams(
  workplace: Workplace,
  { inputParts, out }: Pick<Terminal, "inputParts" | "out">,
  { most = MOST_BYTES }: { readonly most?: number } = {},
): Promise<void> {
  const answering = answerRequests(workplace, (reply) => out(lineOf(reply)));
  const take = linesTo((line) => {
    if (line === undefined) return out(lineOf(tooLong(most)));
    answering.hear(parsed(line));
  }, most);
  await inputParts(take);
  take(null);
  await answering.done();
}

/** What a line says; itself where it is no JSON, which is then no request. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function tooLong(most: number): Reply {
  const failure: Failure = {
    kind: "input",
    code: "remote/bad-request",
    message: `A request has at most ${most} bytes.`,
    remedy: "Give parts of the corpus.",
  };
  return { protocol: PROTOCOL, to: null, say: "failure", failure };
}
