import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PROTOCOL, type Reply } from "@resolvent/analysis/remote";
import { expect, test } from "vitest";
import { runProgram } from "../src/program.ts";
import { linesTo } from "../src/serve/lines.ts";
import { terminalOf } from "../src/terminal.ts";
import { resolvent } from "./command.ts";
import { readPage } from "./documented.ts";
import { temporaryFolder, writeModel } from "./models.ts";

const folder = temporaryFolder();
const page = readPage("serve.md");
const quick = ["--engine", "cpu", "--threads", "1", "--offline"];

/** Runs `serve` in this process on these requests, and gives what it answers. */
async function answers(requests: readonly string[], ...words: string[]): Promise<string[]> {
  const said: string[] = [];
  const notes: string[] = [];
  const terminal = terminalOf(
    { stdin: false, stdout: false, stderr: false, columns: undefined },
    {},
    {
      stdout: { write: (text) => said.push(text) },
      stderr: { write: (text) => notes.push(text) },
      readInput: async () => new Uint8Array(),
      readParts: async (hear) => {
        // As a pipe gives them: in pieces that know no lines.
        const bytes = Buffer.from(requests.join("\n"));
        for (let at = 0; at < bytes.length; at += 100) hear(bytes.subarray(at, at + 100));
      },
    },
  );
  const code = await runProgram(["serve", ...quick, ...words], terminal, { analyses: [] });
  expect([code, notes]).toEqual([0, []]);
  return said.join("").trim().split("\n");
}

/** Messages of the page by their arrow, `…` in place of what was cut. */
const messages = (arrow: string): string[] =>
  [...page.matchAll(/^```json\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
    block
      .split("\n")
      .filter((line) => line.startsWith(arrow))
      .map((line) => line.slice(arrow.length).trim()),
  );

const pattern = (message: string): RegExp =>
  new RegExp(`^${message.split("…").map(escaped).join(".*")}$`, "s");

/** `RegExp.escape`, which neither Node 20 nor its types have. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

test("docs/serve.md: each of its requests is answered as it says", async () => {
  const [requests, replies] = [messages("→"), messages("←")];
  const asked = requests.map((line) => JSON.parse(line).ask);
  const kinds = ["describe", "model", "tokens", "estimate", "plan", "run", "cancel", "draw"];
  expect(asked).toEqual(expect.arrayContaining(kinds));
  const got = await answers(requests);
  const missing = replies.filter((reply) => !got.some((line) => pattern(reply).test(line)));
  expect(missing, got.map((line) => line.slice(0, 600)).join("\n")).toEqual([]);
  expect(replies.length).toBeGreaterThan(requests.length - 2); // of all but the cancel and what it ends
});

test("analyses write where they are told to, and replace nothing; figures of what is no result are refused", async () => {
  const model = await writeModel(join(folder, "own"), "gpt2");
  const out = join(folder, "dictionary");
  const values = { site: "L0.mlp.out", features: 8, k: 2, steps: 2, batch: 4, length: 4, out };
  const texts = { corpus: { name: "texts", text: "a cat sat on a mat\n".repeat(40) } };
  const work = {
    ...{ analysis: "train-dictionary", model, values, texts },
    ...{ precision: "f32", float64: false },
  };
  const asked = [
    { ask: "run", work },
    { ask: "run", work },
    { ask: "draw", findings: { result: {} } },
  ];
  const lines = asked.map((question, id) =>
    JSON.stringify({ protocol: PROTOCOL, id, ...question }),
  );
  const all: Reply[] = (await answers(lines, "--folder", folder)).map((line) => JSON.parse(line));
  const last = (id: number) => all.filter(({ to }) => to === id).at(-1);
  expect(last(0)).toMatchObject({ findings: { result: { kind: "dictionary-training" } } });
  expect(last(1)).toMatchObject({ failure: { kind: "input", code: "cli/usage" } });
  expect(JSON.stringify(last(1))).toContain(out);
  expect(last(2)).toMatchObject({ failure: { code: "remote/bad-reply" } });
});

test("the command as a process: lines in, lines out, to the end of its input", async () => {
  const lines = [
    "no json",
    '{"protocol":1,"id":1,"ask":"tokens","model":"tales","prompt":" a"}',
    "",
  ];
  // What a plug-in prints is no reply.
  const noisy = join(folder, "noisy.mjs");
  await writeFile(noisy, 'console.log("a word"); export const analyses = [];');
  const words = ["serve", ...quick, "--plugin", noisy];
  const { code, stdout, stderr } = await resolvent(words, { input: lines.join("\n") });
  expect([code, stderr]).toEqual([0, expect.stringContaining("a word\n")]);
  const replies = stdout.trim().split("\n");
  expect(replies.map((line) => JSON.parse(line))).toMatchObject([
    { to: null, failure: { code: "remote/bad-request" } },
    { to: 1, say: "tokens", tokens: [{ text: " a" }] },
  ]);
});

test("over HTTP, as the page says: for whoever has the token, and for no page", async () => {
  const stop = new AbortController();
  let hear = (_said: string): void => {};
  const said = new Promise<string>((resolve) => {
    hear = resolve;
  });
  const terminal = terminalOf(
    { stdin: false, stdout: false, stderr: false, columns: undefined },
    {},
    {
      stdout: { write: (text) => hear(text) },
      stderr: { write: () => {} },
      readInput: async () => new Uint8Array(),
    },
  );
  const end = runProgram(["serve", ...quick, "--port", "0"], terminal, {
    ...{ analyses: [], signal: stop.signal },
  });
  const first = (await said).trim();
  const shown = page.match(/^\{"protocol":1,"url".*$/m)?.[0] ?? "";
  expect(first).toMatch(pattern(shown));
  const { url, token } = JSON.parse(first);
  const ask = async (question: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        ...{ "content-type": "application/json", authorization: `Bearer ${token}` },
        ...headers,
      },
      body: JSON.stringify({ protocol: PROTOCOL, id: 5, ...question }),
    });
    const reply = (await response.text()).trim().split("\n").at(-1) ?? "";
    return { status: response.status, reply: JSON.parse(reply) };
  };
  const tokens = { ask: "tokens", model: "tales", prompt: " a" };
  expect(await ask(tokens)).toMatchObject({ status: 200, reply: { to: 5, say: "tokens" } });
  const other = { ask: "model", model: join(folder, "own") };
  const failure = { code: "cli/not-served", remedy: expect.stringContaining("resolvent serve") };
  expect((await ask(other)).reply).toMatchObject({ failure });
  // What opens models by names of its own is for whoever has started the command.
  const merge = {
    ...{ analysis: "merge", model: "", values: {} },
    precision: "f32",
    float64: true,
  };
  expect((await ask({ ask: "plan", work: merge })).reply).toMatchObject({
    failure: { code: "remote/no-analysis" },
  });
  for (const [headers, status] of [
    [{ authorization: "Bearer none" }, 401],
    [{ origin: new URL(url).origin }, 403],
    [{ "content-type": "text/plain" }, 415],
  ] as const)
    expect((await ask(tokens, headers)).status).toBe(status);
  expect((await fetch(new URL("/", url))).status).toBe(404);
  stop.abort();
  expect(await end).toBe(0);
});

test("lines of any pieces, without those that are too long", () => {
  const heard: (string | undefined)[] = [];
  const take = linesTo((line) => heard.push(line), 6);
  for (const part of ["ab", "c\n\n", "ä\nlonger ", "than six\n12345", "6\r\n", "end"])
    take(new TextEncoder().encode(part));
  take(null);
  expect(heard).toEqual(["abc", "ä", undefined, undefined, "end"]);
  const cut = new TextEncoder().encode("ä");
  take(cut.subarray(0, 1));
  take(cut.subarray(1));
  take(null);
  expect(heard.at(-1)).toBe("ä");
});
