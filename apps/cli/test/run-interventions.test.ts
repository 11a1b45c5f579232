import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySource, openSafetensors, readTensor } from "@resolvent/weights";
import { writeSafetensorsFile } from "@resolvent/weights/node";
import { openModel } from "resolvent";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "./models.ts";
import { json, resolvent } from "./program.ts";

const folder = temporaryFolder();
const TEXT = "Once upon a time";
const vector = Array.from({ length: 128 }, (_, i) => Math.fround(Math.cos(i)));
const file = (name: string): string => join(folder, name);
const run = (...more: string[]): string[] => ["run", "tales", "--prompt", TEXT, ...more];

interface Result {
  readonly next: readonly { readonly id: number; readonly logit: number }[];
  readonly interventions?: readonly unknown[];
  readonly generated: { readonly text: string } | null;
}

beforeAll(async () => {
  await writeFile(file("v.json"), JSON.stringify(vector));
  await writeFile(file("short.json"), "[1, 2, 3]");
  await writeFile(file("odd.json"), '[1, "2"]');
  await writeFile(file("object.json"), '{"vector": [1]}');
  await writeFile(file("none.bin"), "no vector at all");
  const bytes = new Uint8Array(Float32Array.from(vector).buffer);
  const tensor = { dtype: "F32", shape: [128], bytes } as const;
  await writeSafetensorsFile(file("v.safetensors"), [{ name: "direction", ...tensor }]);
  await writeSafetensorsFile(file("two.safetensors"), [
    { name: "a", ...tensor },
    { name: "b", ...tensor },
  ]);
});

test("--ablate, --with and --steer are what the library does", async () => {
  const lm = await openModel("tales", { hash: false });
  const what = { heads: ["L0.H3"], blocks: ["L1.mlp"], with: "mean" } as const;
  const expected = lm.ablate(what).steer("L2.mlp.after", vector, { scale: -2.5 });
  const steer = `L2.mlp.after=${file("v.safetensors")}:-2.5`;
  const flags = ["--ablate", "L1.mlp,L0.H3", "--with", "mean", "--steer", steer, "--generate", "4"];
  const result = await json<Result>(run(...flags));
  const next = (await expected.run(TEXT)).next(10);
  expect(result.next.map(({ id }) => id)).toEqual(next.map(({ id }) => id));
  expect(result.next.map(({ logit }) => logit)).toBeNear(
    next.map(({ logit }) => logit),
    { rtol: 1e-5 },
  );
  let text = "";
  for await (const token of expected.generate(TEXT, { maxTokens: 4 })) text += token.text;
  expect(result.generated?.text).toBe(text);
  expect(result.interventions).toEqual([
    { kind: "ablate", nodes: ["L1.mlp", "L0.H3"], with: "mean" },
    {
      kind: "steer",
      site: "L2.mlp.after",
      scale: -2.5,
      norm: expect.closeTo(Math.hypot(...vector), 4),
    },
  ]);
  await lm.close();
});

test("says what the run was changed by, and saves what it came by", async () => {
  const saved = file("trace.safetensors");
  const steer = `L1.mlp.after=${file("v.json")}`;
  const flags = ["--ablate", "L0.H3", "--steer", steer, "--steer", `${steer}:2`];
  const { code, stdout: text } = await resolvent(
    run(...flags, "--sites", "L0.attn.head", "--save", saved),
  );
  expect(code).toBe(0);
  expect(text).toMatch(/^L0\.H3 ablated, with nothing in its place$/m);
  expect(text).toMatch(/^L1\.mlp\.after steered by 2 times a vector of norm 8\.01$/m);
  const stored = await openSafetensors(memorySource(await readFile(saved), saved));
  const { shape, bytes } = await readTensor(stored, "L0.attn.head");
  expect(shape).toEqual([4, 4, 128]); // pos, head, d_model
  const numbers = new Float32Array(bytes.slice().buffer);
  const ofHead = (head: number): number =>
    Math.hypot(...numbers.slice(head * 128, (head + 1) * 128));
  expect(ofHead(3)).toBe(0);
  expect(ofHead(2)).toBeGreaterThan(0);
});

describe("is refused before anything is computed", () => {
  test.each([
    [["--ablate", "L0.atn"], 2, /Did you mean "L0\.attn"\?.*transformer\/no-node/],
    [["--ablate", "L9.H0"], 2, /no head L9\.H0.*transformer\/no-head/],
    [["--with", "mean"], 2, /--ablate/],
    [["--steer", "L1.mlp.after"], 2, /site and a file, got "L1\.mlp\.after"/],
    [["--steer", "L1.mlp.afer=v.json"], 2, /Did you mean "L1\.mlp\.after"/],
    [["--steer", "L1.attn.pattern=v.json"], 2, /head, pos, key_pos/],
    [["--steer", "L1.mlp.after=short.json"], 2, /128 numbers \(d_model\), got 3/],
    [["--steer", "L1.mlp.after=odd.json"], 3, /odd\.json has "2" at 1.*cli\/bad-vector/],
    [["--steer", "L1.mlp.after=object.json"], 3, /object\.json is JSON, but no array/],
    [["--steer", "L1.mlp.after=none.bin"], 3, /neither JSON nor safetensors/],
    [["--steer", "L1.mlp.after=two.safetensors"], 3, /has 2 tensors/],
    [["--steer", "L1.mlp.after=missing.json"], 3, /missing\.json cannot be read/],
  ])("%j", async (flags, expected, message) => {
    const there = flags.map((flag) => flag.replace("=", `=${folder}/`));
    const { code, stdout, stderr } = await resolvent(run(...there));
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toMatch(message);
  });
});
