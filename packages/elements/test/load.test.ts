import { afterEach, expect, test, vi } from "vitest";
import { loadJson } from "../src/load.ts";

afterEach(() => vi.unstubAllGlobals());

const { signal } = new AbortController();
const load = async (address = "r.json"): Promise<unknown> =>
  await loadJson(address, { base: "https://example.org/page/", signal });

/** Answers every request with a body in pieces; hears the addresses. */
function answering(pieces: Iterable<string>, status = 200): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: URL) => {
    asked.push(address.href);
    const encoder = new TextEncoder();
    const bytes = [...pieces].values();
    const body = new ReadableStream({
      pull: (controller) => {
        const { value, done } = bytes.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
    });
    return new Response(body, { status });
  });
  return asked;
}

test("JSON in pieces, of an address relative to the page", async () => {
  const asked = answering(['{"kind":', '"paths", "text": "Mär', 'chen"}']);
  expect(await load("../r.json")).toEqual({ kind: "paths", text: "Märchen" });
  expect(asked).toEqual(["https://example.org/r.json"]);
});

test("what is no answer, no address, no JSON, or too much, is named", async () => {
  answering([""], 503);
  await expect(load()).rejects.toMatchObject({ code: "elements/not-loaded" });
  await expect(load("http://[")).rejects.toThrow("http://[ cannot be read: it is no address.");
  answering(["[1, 2"]);
  await expect(load()).rejects.toThrow("r.json is not JSON.");
  const piece = " ".repeat(2 ** 20);
  answering(Array.from({ length: 65 }, () => piece));
  await expect(load()).rejects.toMatchObject({
    code: "elements/too-large",
    details: { most: 64 * 2 ** 20 },
  });
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(load()).rejects.toThrow("r.json cannot be read: nothing answers");
});
