import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { temporaryFolder, writeModel } from "./models.ts";
import { json, resolvent } from "./program.ts";

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "tiny"), "gpt2");
});
const input = ["--tokens", "1,2,3,4,5", "--threads", "1", "--runs", "2"];

interface Share {
  readonly name: string;
  readonly calls: number;
  readonly share: number;
}

test("profile says where the time of a forward pass goes", async () => {
  const profile = await json<{ kind: string; operations: Share[]; sites: Share[] }>([
    "profile",
    model,
    ...input,
  ]);
  expect(profile.kind).toBe("profile");
  const total = (shares: Share[]) => shares.reduce((sum, { share }) => sum + share, 0);
  expect(total(profile.operations)).toBeCloseTo(1, 9);
  expect(total(profile.sites)).toBeCloseTo(1, 9);
  // Two layers of four projections, scores, mixing and two MLP products, and the unembedding: finished in one pass or not.
  const products = profile.operations.filter(({ name }) => /^(matmul|fused\.product)$/.test(name));
  expect(products.reduce((sum, { calls }) => sum + calls, 0)).toBe(2 * 8 + 1);
  expect(profile.sites.map(({ name }) => name)).toContain("attn.score");
});

test.each(["sweep", "tree"])("profile of a %s, in every format", async (work) => {
  const call = ["profile", model, ...input, "--work", work];
  const table = await resolvent(call);
  expect(table.code).toBe(0);
  expect(table.stdout).toContain("matmul");
  expect((await resolvent([...call, "--format", "csv"])).stdout).toMatch(
    /^name,calls,milliseconds,share\n/,
  );
  const lines = (await resolvent([...call, "--format", "ndjson"])).stdout.trim().split("\n");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ kind: "profile", work });
});

test("a streamed expansion has the same numbers", async () => {
  const call = ["expand", model, "--tokens", "1,2,3,4,5", "--threads", "1"];
  expect(await json([...call, "--stream"])).toEqual(await json(call));
});

test("doctor says what the machine has", async () => {
  const report = await json<{ kind: string; gflops: { wasm: { oneThread: number } } }>(["doctor"]);
  expect(report.kind).toBe("machine");
  expect(report.gflops.wasm.oneThread).toBeGreaterThan(0);
  const { stdout, code } = await resolvent(["doctor"]);
  expect(code).toBe(0);
  expect(stdout).toContain("system BLAS");
});
