import { PROTOCOL, type Work } from "@resolvent/analysis/remote";
import { expect, test } from "vitest";
import { machineConnection, tokenOf } from "../src/machine-connection.ts";

const work: Work = {
  ...{ analysis: "paths", model: "tales", values: {}, precision: "f32", float64: true },
};
const progress = { done: 1, total: 2, of: "step" };
const findings = { answer: ["It is so."] };

/** A connection to a program whose answers come in these pieces; `undefined` breaks it off. */
function connected(pieces: readonly (string | undefined)[], status = 200) {
  const seen: { lost: number; calls: RequestInit[]; address: string } = {
    ...{ lost: 0, calls: [], address: "" },
  };
  const asking = machineConnection({
    ...{ address: "http://127.0.0.1:1/ask", token: () => "secret" },
    onState: (answers) => {
      if (!answers) seen.lost++;
    },
    fetch: async (address, init = {}) => {
      seen.address = String(address);
      seen.calls.push(init);
      const own = new ReadableStream<Uint8Array>({
        start: (body) => {
          init.signal?.addEventListener("abort", () => body.error(init.signal?.reason));
          for (const piece of pieces) {
            if (piece === undefined) body.error(new TypeError("network error"));
            else if (piece === "…") return;
            else body.enqueue(new TextEncoder().encode(piece));
          }
          if (!pieces.includes(undefined)) body.close();
        },
      });
      return new Response(own, { status });
    },
  });
  return { asking, seen };
}

const line = (said: object): string =>
  `${JSON.stringify({ protocol: PROTOCOL, to: 0, ...said })}\n`;

test("replies come as lines, wherever their pieces end, with the token of the link", async () => {
  const all = line({ say: "progress", progress }) + line({ say: "findings", findings });
  const { asking, seen } = connected([all.slice(0, 20), all.slice(20, 90), all.slice(90)]);
  const heard: unknown[] = [];
  const found = await asking.run(work, { onProgress: (one) => heard.push(one) });
  expect([found, heard]).toEqual([findings, [progress]]);
  expect(seen.lost).toBe(0);
  const [call] = seen.calls;
  expect(seen.address).toBe("http://127.0.0.1:1/ask");
  expect(call).toMatchObject({ method: "POST", headers: { authorization: "Bearer secret" } });
  expect(JSON.parse(String(call?.body))).toMatchObject({ ask: "run", work });
});

test("a cancel closes the connection, and is no loss of it", async () => {
  const { asking, seen } = connected([line({ say: "progress", progress }), "…"]);
  const stop = new AbortController();
  const running = asking.run(work, { signal: stop.signal, onProgress: () => stop.abort() });
  await expect(running).rejects.toMatchObject({ name: "AbortError" });
  expect(seen.calls.map(({ signal }) => signal?.aborted)).toEqual([true]);
  expect(seen.lost).toBe(0);
});

test.each([
  ["breaks off", [line({ say: "progress", progress }), undefined]],
  ["ends before its answer", [line({ say: "progress", progress })]],
  ["breaks off within a line", ['{"protocol":1,"to', undefined]],
])("a connection that %s is lost, and the reason says what to do", async (_, pieces) => {
  const { asking, seen } = connected(pieces);
  await expect(asking.run(work)).rejects.toThrow(/does not answer any more.*resolvent lab/s);
  expect(seen.lost).toBe(1);
});

test("a refusal says why; that of the token is a loss too", async () => {
  const failure = { kind: "input", code: "cli/http-429", message: "Too many.", remedy: null };
  const refused = { to: null, say: "failure", failure };
  const busy = connected([line(refused)], 429);
  await expect(busy.asking.describe()).rejects.toThrow("Too many.");
  expect(busy.seen.lost).toBe(0);
  const foreign = connected([line(refused)], 401);
  await expect(foreign.asking.describe()).rejects.toThrow("Too many.");
  await expect.poll(() => foreign.seen.lost).toBe(1);
});

test("the token leaves the address for the pages' own storage, where that of a next start is found too", () => {
  const kept = new Map<string, string>();
  const shown: string[] = [];
  const at = (address: string): Window =>
    ({
      location: new URL(address),
      history: {
        state: null,
        replaceState: (_: unknown, __: string, to: string) => shown.push(to),
      },
      localStorage: {
        getItem: (key: string) => kept.get(key) ?? null,
        setItem: (key: string, value: string) => kept.set(key, value),
      },
    }) as unknown as Window; // what of a window is used
  expect(tokenOf(at("http://127.0.0.1:1/"))).toBeUndefined();
  const first = tokenOf(at("http://127.0.0.1:1/?token=abc#v=1&m=a"));
  expect([first?.(), shown]).toEqual(["abc", ["/#v=1&m=a"]]);
  expect(tokenOf(at("http://127.0.0.1:1/#k=2"))?.()).toBe("abc");
  tokenOf(at("http://127.0.0.1:1/?token=def"));
  expect(first?.()).toBe("def");
});
