import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineAnalysis, pause, type Result } from "@resolvent/analysis";
import { parameters, promptParameter } from "@resolvent/analysis/parameters";
import { PROTOCOL, type Reply, type Work } from "@resolvent/analysis/remote";
import { bundledModels } from "@resolvent/models";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import { bundledVariants } from "@resolvent/models/variants";
import { runCost } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { chooseEngine } from "resolvent";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { analyses } from "../src/analyses.ts";
import type { Opening } from "../src/host.ts";
import { type LabServer, startLabServer } from "../src/lab/lab-server.ts";
import { keptEngines } from "../src/machine/kept-engines.ts";
import { type Machine, type MachineParts, machineOf } from "../src/machine/machine.ts";
import { modelPlaces } from "../src/machine/model-places.ts";
import { terminalOf } from "../src/terminal.ts";
import { writeDictionary, writeHollowModel, writeModel } from "./models.ts";

const folder = mkdtempSync(join(tmpdir(), "resolvent-lab-"));
const app = join(folder, "app");
const models = join(folder, "models");
const elsewhere = join(folder, "elsewhere");
const PAGE = `<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; connect-src 'self'" />the page`;
const size = { layers: 1, width: 4, vocab: 16, context: 8 };

const nobody = { write: () => true };
const silent = terminalOf(
  { stdin: false, stdout: false, stderr: false, columns: undefined },
  {},
  { stdout: nobody, stderr: nobody, readInput: async () => new Uint8Array() },
);

let parts: MachineParts;
let machine: Machine;
let server: LabServer;
let token: string;
beforeAll(async () => {
  mkdirSync(app);
  writeFileSync(join(app, "index.html"), PAGE);
  writeFileSync(join(app, "worker.js"), "");
  writeFileSync(join(folder, "secret.html"), "a secret");
  await writeHollowModel(join(models, "own"), size);
  await writeHollowModel(elsewhere, size);
  await writeHollowModel(join(models, "patched"), size);
  rmSync(join(models, "patched", "model.safetensors"));
  symlinkSync(join(elsewhere, "model.safetensors"), join(models, "patched", "model.safetensors"));
  symlinkSync(elsewhere, join(models, "linked"));
  await writeModel(join(models, "tiny"), "gpt2");
  await writeDictionary(join(models, "sae"));
  // A set, of which one leads out of what was named.
  await writeDictionary(join(folder, "sae"));
  mkdirSync(join(models, "set"));
  symlinkSync(join(folder, "sae"), join(models, "set", "1"));
  parts = {
    called: "the lab",
    ...{ analyses, places: modelPlaces(undefined, [models]), terminal: silent },
    flags: { precision: "f32", threads: 1, offline: true },
    engine: "cpu, 1 thread, no BLAS",
    engines: async () => await chooseEngine({ parameters: 1000 }),
  };
  machine = machineOf(parts);
  const kept = new Map([["assets/model.json", join(models, "own", "config.json")]]);
  server = await startLabServer({
    ...{ app, elsewhere: kept, workplace: machine.workplace, port: 0, fragment: "m=own" },
  });
  token = new URL(server.link).searchParams.get("token") ?? "";
});
afterAll(async () => {
  await server.close();
  await machine.close();
  rmSync(folder, { recursive: true });
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request as a browser on the server's own page sends it; what is given replaces that, undefined leaves it out. */
function send({ method = "POST", path = "/ask", headers = {}, body = "" }: Sent): Promise<Got> {
  const host = `127.0.0.1:${server.port}`;
  const all = {
    ...{ host, origin: `http://${host}`, "content-type": "application/json" },
    ...{ authorization: `Bearer ${token}`, ...headers },
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port: server.port, method, path, headers: Object.fromEntries(given) },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    call.on("error", reject).end(body);
  });
}

/** The same, as it goes. */
function post({ link, port }: LabServer, body: string): ClientRequest {
  const host = `127.0.0.1:${port}`;
  const authorization = `Bearer ${new URL(link).searchParams.get("token")}`;
  const headers = { host, origin: `http://${host}`, authorization };
  const own = { ...headers, "content-type": "application/json" };
  const call = request({ host: "127.0.0.1", port, method: "POST", path: "/ask", headers: own });
  return call.end(body);
}

async function ask(question: object): Promise<readonly Reply[]> {
  const { text } = await send({ body: JSON.stringify({ protocol: PROTOCOL, id: 7, ...question }) });
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function workOn(model: string): Work {
  const values = { prompt: [1, 2, 3], target: [4, 5] };
  return { analysis: "paths", model, values, precision: "f32", float64: true };
}

describe("what the server answers", () => {
  test("the page and its headers, for whoever has the name of this machine", async () => {
    for (const host of [`127.0.0.1:${server.port}`, `localhost:${server.port}`]) {
      const { status, text, headers } = await send({ method: "GET", path: "/", headers: { host } });
      expect([status, text]).toEqual([200, PAGE]);
      expect(headers).toMatchObject({
        "content-type": "text/html; charset=utf-8",
        "cross-origin-embedder-policy": "require-corp",
        "content-security-policy": "default-src 'none'; connect-src 'self'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
      });
    }
  });

  test("scripts with the policy of the page: a worker has none else", async () => {
    const { headers } = await send({ method: "GET", path: "/worker.js" });
    expect(headers["content-security-policy"]).toContain("default-src 'none'; connect-src 'self';");
  });

  test("files of the app that are kept elsewhere, and no other that is there", async () => {
    const got = await send({ method: "GET", path: "/assets/model.json" });
    expect([got.status, got.text]).toEqual([
      200,
      readFileSync(join(models, "own", "config.json"), "utf8"),
    ]);
    expect(got.headers["cache-control"]).toContain("immutable");
    expect((await send({ method: "GET", path: "/assets/model.safetensors" })).status).toBe(404);
  });

  test("a description: analyses, models of the folders that were named, what computes", async () => {
    const [reply] = await ask({ ask: "describe" });
    expect(reply).toMatchObject({ protocol: PROTOCOL, to: 7, say: "description" });
    const { description } = reply as Extract<Reply, { say: "description" }>;
    expect(description.engine).toBe("cpu, 1 thread, no BLAS");
    // Those that open models by names of their own are not open to requests.
    const open = analyses.filter(({ needs }) => needs !== "files").map(({ name }) => name);
    expect(description.analyses.map(({ name }) => name)).toEqual(open);
    expect(open).not.toContain("merge");
    const names = description.models.map(({ name }) => name);
    expect(names).toEqual([
      ...["own", "patched", "tiny"].map((name) => join(models, name)),
      ...[...Object.keys(bundledModels), ...Object.keys(bundledVariants)],
    ]);
    expect(description.dictionaries?.map(({ name, model }) => [name, model])).toEqual([
      ...Object.values(bundledDictionaries).map(({ name, model }) => [name, model]),
      [join(models, "sae"), null],
    ]);
  });

  test("runs with a dictionary of these folders, a text in place of a file, and another model", async () => {
    const tiny = join(models, "tiny");
    const found = async (work: object) => {
      const replies = await ask({ ask: "run", work: { ...workOn(tiny), ...work } });
      return replies.at(-1);
    };
    const texts = { corpus: { name: "these texts", text: "a cat sat\n" } };
    const named = { analysis: "dictionary", values: {}, texts };
    expect(await found({ ...named, dictionaries: [join(models, "sae")] })).toMatchObject({
      findings: { result: { kind: "dictionary", corpus: { name: "these texts" } } },
    });
    expect(await found(named)).toMatchObject({ failure: { code: "analysis/not-provided" } });
    const compare = { analysis: "compare", values: { prompt: [1, 2], other: tiny } };
    expect(await found(compare)).toMatchObject({ findings: { result: { kind: "comparison" } } });
    // Names of what is elsewhere are refused wherever they stand.
    for (const work of [
      { ...compare, values: { ...compare.values, other: elsewhere } },
      { ...named, dictionaries: [join(folder, "sae")] },
      { ...named, dictionaries: [join(models, "set")] },
      { ...named, dictionaries: ["hub:org/name"] },
      { ...named, dictionaries: ["http://127.0.0.1:1/sae"] },
    ])
      expect(await found(work)).toMatchObject({ failure: { code: "cli/not-served" } });
  });

  test("a run: how far it is, then what the analysis found, on a model that stays open", async () => {
    for (const _ of ["first", "again"]) {
      const replies = await ask({ ask: "run", work: workOn(join(models, "own")) });
      expect(replies.every(({ to }) => to === 7)).toBe(true);
      expect(replies.at(-1)).toMatchObject({
        say: "findings",
        findings: { result: { kind: "paths", model: { name: "own" } } },
      });
    }
  });

  test("by the engine that a request names; what there is, is the report of the machine", async () => {
    const own = { ...workOn(join(models, "own")), analysis: "run", values: { prompt: [1, 2] } };
    for (const engine of ["gpujs", "cpu"]) {
      const replies = await ask({ ask: "run", work: { ...own, engine } });
      expect(replies.at(-1)).toMatchObject({ findings: { result: { engine, precision: "f32" } } });
    }
    const none = await ask({ ask: "run", work: { ...own, engine: "cuda" } });
    expect(none.at(-1)).toMatchObject({ failure: { code: "resolvent/no-engine" } });
    const [report] = await ask({ ask: "engines", model: "tales", precision: "f32" });
    expect(report).toMatchObject({
      engines: { engine: "cpu", engines: [{ name: "cpu", precisions: ["f32", "f64"] }] },
    });
  });

  test("in f64 where it was started so, whatever a request says", async () => {
    const inF64 = machineOf({ ...parts, flags: { precision: "f64" } });
    const settings = { precision: "f32", float64: true } as const;
    expect((await inF64.workplace.host("tales", settings)).precision).toBe("f64");
    expect(await inF64.workplace.describe()).toMatchObject({ precision: "f64" });
    await inF64.close();
  });
});

test("who closes the connection cancels, and the end of the server does; so many at a time", async () => {
  const ends: unknown[] = [];
  const slow = defineAnalysis<{ prompt: string | readonly number[] }, Result>({
    ...{ name: "slow", summary: "counts", description: "Counts." },
    params: parameters({ prompt: promptParameter("text to read") }),
    estimate: ({ model, vocabulary }, { prompt }) =>
      runCost(model, vocabulary.encode(prompt), { precision: "f32" }),
    run: async ({ signal, onProgress }) => {
      try {
        for (let done = 1; ; done++) {
          await pause(signal);
          onProgress({ done, total: 1e9, of: "step" });
        }
      } catch (error) {
        ends.push(Object(error).name);
        throw error;
      }
    },
    tables: () => [],
  });
  const own = machineOf({ ...parts, analyses: [slow] });
  const other = await startLabServer({ app, workplace: own.workplace, port: 0 });
  const work = { ...workOn(join(models, "own")), analysis: "slow", values: { prompt: [1] } };
  const run = { protocol: PROTOCOL, id: 1, ask: "run", work };
  const told: string[] = [];
  const started = async (): Promise<ClientRequest> => {
    const call = post(other, JSON.stringify(run));
    const [response] = (await once(call, "response")) as [IncomingMessage]; // of "response"
    response.on("error", () => {});
    let heard = "";
    while (!heard.includes('"of":"step"')) heard += String((await once(response, "data"))[0]);
    told.push(heard);
    return call;
  };
  (await started()).destroy();
  expect(told[0]).toContain('"of":"tensor"'); // while the model was loaded
  const waiting = await started(); // runs once the first has heeded it
  expect(ends).toEqual(["AbortError"]);
  waiting.on("error", () => {});
  await other.close();
  await own.close();
  await vi.waitFor(() => expect(ends).toEqual(["AbortError", "AbortError"]));
});

test("requests beyond so many wait for nothing: they are refused", async () => {
  const never = new Promise<never>(() => {});
  const workplace = { ...machine.workplace, describe: () => never };
  const other = await startLabServer({ app, workplace, port: 0 });
  const body = JSON.stringify({ protocol: PROTOCOL, id: 1, ask: "describe" });
  const calls = Array.from({ length: 33 }, () => post(other, body).on("error", () => {}));
  const answers = await Promise.all(calls.map((call) => once(call, "response")));
  const statuses = answers.map(([{ statusCode }]) => statusCode);
  expect(statuses.filter((status) => status === 200)).toHaveLength(32);
  expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  await other.close();
});

test("an engine serves the next run of its model, and is closed for another, and when nobody asks", async () => {
  const told: string[] = [];
  const open: Opening = async ([wanted], { precision }) => {
    const name = wanted?.name;
    told.push(`open ${name} ${precision}`);
    const close = async (): Promise<void> => void told.push(`close ${name} ${precision}`);
    // Of an engine only its size is looked at, and whether it still computes; of a model nothing.
    engine = { memory: { used: 2 ** 30 } };
    return { engine, models: [{}], close } as never;
  };
  let engine: { memory: object; failure?: unknown } | undefined;
  const kept = keptEngines(open, "f32", { idle: 20 });
  const plain = { stream: false, widen: true };
  const use = async (name: string, more: object = {}): Promise<void> => {
    const options = { precision: "f32", ...plain, ...more } as const;
    const wanted = [{ folder: memoryFolder(new Map(), name), name }];
    await (await kept.open(wanted, options, silent)).close();
  };
  await use("a");
  await use("a");
  await use("a", { precision: "f64" }); // too large to be kept beside
  await use("b");
  await use("b", { stream: true });
  expect(told.splice(0)).toEqual([
    ...["open a f32", "open a f64", "close a f64", "close a f32", "open b f32"],
  ]);
  if (engine !== undefined) engine.failure = new Error("The device was lost.");
  await use("b");
  await use("b");
  expect(told.splice(0)).toEqual(["close b f32", "open b f32"]);
  await vi.waitFor(() => expect(told).toEqual(["close b f32"]));
  await kept.close();
  expect(told).toEqual(["close b f32"]);
});

describe("what it refuses", () => {
  const body = JSON.stringify({ protocol: PROTOCOL, id: 1, ask: "describe" });
  const evil = "http://evil.example";

  test.each([
    ["another host: a name that was made to lead here", { host: "evil.example" }, 403],
    ["another port in the host", { host: "127.0.0.1:1" }, 403],
    ["another site", { origin: evil }, 403],
    ["no site", { origin: undefined }, 403],
    ["a frame without a site", { origin: "null" }, 403],
    ["the other name of this machine as a site", { origin: "http://localhost:1" }, 403],
    ["no token", { authorization: undefined }, 401],
    ["another token", { authorization: `Bearer ${"x".repeat(32)}` }, 401],
    ["the token in another way", { authorization: "Basic abc" }, 401],
    ["what a form could send", { "content-type": "text/plain" }, 415],
  ])("%s", async (_, headers, status) => {
    const got = await send({ headers, body });
    expect(got.status).toBe(status);
    expect(JSON.parse(got.text)).toMatchObject({ say: "failure", to: null });
    expect((await send({ body })).status).toBe(200);
  });

  test("the page for a host that is not its own", async () => {
    const got = await send({ method: "GET", path: "/", headers: { host: "evil.example" } });
    expect(got.status).toBe(403);
  });

  test.each([
    "/../secret.html",
    "/..%2fsecret.html",
    "/%2e%2e/secret.html",
    "//secret.html",
    "/ask",
  ])("the path %s", async (path) => {
    const { status, text } = await send({ method: "GET", path });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain("a secret");
  });

  test.each([
    ["what is too long", "x".repeat(5 * 2 ** 20), 413],
    ["what is no JSON", "{", 400],
    ["what is no object", "[1]", 400],
    ["a cancel, which is made by closing", JSON.stringify({ id: 1, ask: "cancel" }), 400],
  ])("%s", async (_, text, status) => {
    const got = await send({ body: text }).catch(() => undefined); // a long one may be cut off
    if (got === undefined) expect(status).toBe(413);
    else expect(got.status).toBe(status);
  });

  test("another version of the protocol, and what is no request, in its own words", async () => {
    const got = await send({ body: JSON.stringify({ protocol: 99, id: 1, ask: "describe" }) });
    expect(JSON.parse(got.text)).toMatchObject({ failure: { code: "remote/other-version" } });
    const odd = await send({ body: JSON.stringify({ protocol: PROTOCOL, ask: "describe" }) });
    expect(JSON.parse(odd.text)).toMatchObject({
      to: null,
      failure: { code: "remote/bad-request" },
    });
  });

  test.each([
    ["a folder beside those that were named", () => elsewhere, "is not below"],
    ["a way out of one", () => join(models, "own", "..", "..", "elsewhere"), "is not below"],
    ["a way out of one that is not tidied", () => `${models}/own/../../elsewhere`, "is not below"],
    ["a folder of the system", () => "/etc", "is not below"],
    ["an address", () => "http://127.0.0.1:1/model", "is not below"],
    ["a name on the Hub", () => "hub:openai-community/gpt2", "is not below"],
    ["a link to a folder elsewhere", () => join(models, "linked"), "leads out of its folder"],
    ["a model with a link to a file elsewhere", () => join(models, "patched"), "model.safetensors"],
    ["what is not there", () => join(models, "none"), "is not there"],
    ["what is no name", () => `${models}/a\0b`, "is not there"],
  ])("the model by %s", async (_, name, why) => {
    for (const question of [
      { ask: "model", model: name() },
      { ask: "tokens", model: name(), prompt: "a" },
      { ask: "run", work: workOn(name()) },
    ]) {
      const [reply] = await ask(question);
      expect(reply).toMatchObject({ say: "failure", failure: { code: "cli/not-served" } });
      expect(JSON.stringify(reply)).toContain(why);
    }
  });

  test("a second use of the link that opens the browser", async () => {
    const { pathname, search } = new URL(server.linkOnce);
    const first = await send({ method: "GET", path: pathname + search });
    expect([first.status, first.headers.location]).toEqual([302, `/?token=${token}`]);
    expect((await send({ method: "GET", path: pathname + search })).status).toBe(403);
    expect((await send({ method: "GET", path: "/?once=" })).status).toBe(403);
  });
});
