import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import { modelAnalyses } from "resolvent/analyses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolvent } from "./command.ts";
import { run } from "./program.ts";

// What MODEL can be: the help says it, and each is tried.
const tales = fileURLToPath(new URL("../../../packages/models/tales/", import.meta.url));
const asked = ["--prompt", "Once upon a time", "--top", "3", "--json"];
let inParts: Server;
let whole: Server;

/** Serves the files of `tales`, in parts or not. */
async function serve(parts: boolean): Promise<Server> {
  const server = createServer(async (request, response) => {
    const file = join(tales, new URL(request.url ?? "/", "http://localhost").pathname);
    if (!existsSync(file)) return void response.writeHead(404).end();
    const bytes = await readFile(file);
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    if (!parts || from === undefined) {
      return void response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    }
    const last = Math.min(Number(to), bytes.length - 1);
    response.writeHead(206, { "content-range": `bytes ${from}-${last}/${bytes.length}` });
    response.end(bytes.subarray(Number(from), last + 1));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  return server;
}

const address = (server: Server): string => `http://127.0.0.1:${Object(server.address()).port}/`;

beforeAll(async () => {
  inParts = await serve(true);
  whole = await serve(false);
});
afterAll(() => {
  for (const server of [inParts, whole]) server.close();
});

test("the help says what MODEL can be", async () => {
  const { stdout } = await run(modelAnalyses, ["run", "--help"]);
  const bundled = [...Object.keys(bundledModels), ...Object.keys(bundledVariants)];
  expect(bundled).toEqual(expect.arrayContaining(["tales", "attn-only-2l", "tales-rows"]));
  expect(stdout.replace(/\s+/g, " ")).toContain(
    `model a bundled model (${bundled.join(", ")}), a folder with config.json and safetensors, the address of one (https://example.org/gpt2), or a name on the Hugging Face Hub (openai-community/gpt2; hub:openai-community/gpt2 where a folder here is called so)`,
  );
});

describe("a model on a server", () => {
  test("is the same, read layer by layer or whole, and whole files are named once", async () => {
    const named = JSON.parse((await resolvent(["run", "tales", ...asked])).stdout);
    const ways = [
      [[address(inParts), "--stream"], ""],
      [
        [address(whole)],
        `${address(whole)}model.safetensors comes whole, 3.6 MiB: its server sends no parts.\n`,
      ],
    ] as const;
    for (const [[place, ...more], said] of ways) {
      const { code, stdout, stderr } = await resolvent(["run", place, ...asked, ...more]);
      expect([code, stderr]).toEqual([0, said]);
      const { model, next } = JSON.parse(stdout);
      expect(model.sha256).toBe(named.model.sha256);
      expect(next).toEqual(named.next);
    }
  });

  test("that has none of it is an error that names the address", async () => {
    const nowhere = `${address(inParts)}nowhere`;
    const { code, stderr } = await run(modelAnalyses, ["inspect", nowhere]);
    expect(code).toBe(3);
    expect(stderr).toContain(`${nowhere}/ has no config.json.`);
  });
});
