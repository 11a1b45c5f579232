import { type Asking, PROTOCOL, type Request } from "@resolvent/analysis/remote";

/** How a connection to the program that has served the page is made. */
export interface MachineConnectionOptions {
  /** Where requests go. */
  readonly address: string;
  /** What is sent now: a program that is started again has another. */
  readonly token: () => string | undefined;
  /** Hears of each request whether the program has answered this page. */
  readonly onState: (answers: boolean) => void;
  readonly fetch?: typeof globalThis.fetch;
}

/** What sends requests to the program that has served the page: each is a POST, whose replies are lines of JSON. */
export function requestsTo(
  { address, token, onState, fetch = globalThis.fetch.bind(globalThis) }: MachineConnectionOptions,
  asking: Asking,
): (request: Request) => void {
  const open = new Map<number, AbortController>();
  const failed = (to: number, kind: "cancelled" | "input", message: string, remedy?: string) =>
    asking.hear({
      ...{ protocol: PROTOCOL, to, say: "failure" },
      failure: {
        kind,
        code: `lab/${kind === "input" ? "lost" : kind}`,
        message,
        remedy: remedy ?? null,
      },
    });
  const ask = async (request: Request, { signal }: AbortController): Promise<void> => {
    let told = false;
    try {
      const response = await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token() ?? ""}` },
        body: JSON.stringify(request),
        ...{ signal, cache: "no-store", credentials: "omit" },
      });
      onState(response.status !== 401 && response.status !== 403);
      for await (const reply of lines(response)) {
        // What was refused before it was read is of no request; the answer is this one's all the same.
        asking.hear({ ...Object(reply), to: request.id });
        told = !["progress", "partial", "warnings"].includes(Object(reply).say);
      }
    } catch (error) {
      if (!signal.aborted && !isGone(error)) throw error;
    }
    if (told || signal.aborted) return;
    onState(false);
    failed(
      request.id,
      "input",
      "This machine does not answer any more.",
      "Start `resolvent lab` again, open its link, and ask again.",
    );
  };
  return (request) => {
    if (request.ask === "cancel") {
      open.get(request.request)?.abort();
      return failed(request.request, "cancelled", "Cancelled.");
    }
    const stop = new AbortController();
    open.set(request.id, stop);
    ask(request, stop)
      .catch((error: unknown) =>
        asking.fail(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => open.delete(request.id));
  };
}

/** What a connection that ends says: `fetch` and streams have one word for all of it. */
function isGone(error: unknown): boolean {
  return error instanceof TypeError || error instanceof SyntaxError;
}

/** The values of an answer in lines of JSON, as they come. */
async function* lines({ body }: Response): AsyncGenerator<unknown> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = `${rest}${value}`.split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield JSON.parse(part);
  }
}
