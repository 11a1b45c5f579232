import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { EXIT } from "../src/failure.ts";
import { temporaryFolder, writeDictionary, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const ids = at("ids.txt");
const call = (...args: readonly string[]): Promise<Ran> =>
  run(analyses, [...args, "--threads", "1"]);

beforeAll(async () => {
  await writeModel(at("model"), "gpt2");
  await writeDictionary(at("sae"));
  await writeDictionary(at("before"), {
    ...{ hook: "blocks.0.mlp.hook_in", hookOut: "blocks.0.hook_mlp_out", seed: 2 },
  });
  writeFileSync(ids, "[3, 1, 4, 1, 5]\n[9]\n[2, 6, 5, 3]\n");
});

describe("--dictionary", () => {
  test("is an option of analyses that can need one, and of no other", async () => {
    const help = async (name: string): Promise<string> => (await call(name, "--help")).stdout;
    expect(await help("dictionary")).toContain("--dictionary <place>");
    expect(await help("features")).toContain("--dictionary <place>");
    expect(await help("expand")).not.toContain("--dictionary");
  });

  test("left out, or leading nowhere, it is refused before anything is done", async () => {
    for (const [given, said] of [
      [[], /needs a dictionary: none is named\. Give one: --dictionary FOLDER/],
      [["--dictionary", at("nowhere")], /There is no folder ".*nowhere"\. .*hub:org\/name\/folder/],
      [["--dictionary", ids], /is a file; a dictionary is a folder/],
      [["--dictionary", at("model")], /has no dictionary: none of cfg\.json/],
    ] as const) {
      const { code, stdout, stderr } = await call("dictionary", at("model"), ...given);
      expect([code === EXIT.ok, stdout, stderr]).toEqual([false, "", expect.stringMatching(said)]);
    }
  });

  test("one is measured: the JSON says which, on what, and how well it fits", async () => {
    const given = ["--dictionary", at("sae"), "--tokens-file", ids, "--json"];
    const { code, stdout, stderr } = await call("dictionary", at("model"), ...given);
    expect([code, stderr]).toEqual([EXIT.ok, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ schemaVersion: 1, kind: "dictionary", tokens: 10, l0: expect.any(Number) },
      dictionary: {
        ...{ architecture: "standard", layout: "saelens", site: "L1.mlp.after", features: 24 },
      },
      explainedVariance: expect.any(Number),
      loss: { model: expect.any(Number), spliced: expect.any(Number), zeroed: expect.any(Number) },
      recovered: expect.any(Number),
      warnings: [{ code: "no-next-token" }],
    });
    const table = await call("dictionary", at("model"), ...given.slice(0, -1));
    expect(table.stdout).toMatch(/warning: 1 of 3 texts is of one token/);
  });

  test("several keep their order, and --site is one for each", async () => {
    const both = ["--dictionary", at("sae"), "--dictionary", at("before")];
    const given = [...both, "--tokens-file", ids, "--json"];
    const found = await call("features", at("model"), ...given);
    const { dictionary, others, features } = JSON.parse(found.stdout);
    expect([dictionary.site, others.map(({ site }: { site: string }) => site)]).toEqual([
      ...["L1.mlp.after", ["L0.mlp.normed"]],
    ]);
    expect(features[0].fedBy[0]).toMatchObject({ site: "L0.mlp.write", dictionary: 1 });
    const sites = await call("features", at("model"), ...given, "--site", "L0.mlp.after");
    expect(sites.stderr).toMatch(/--site names 1 sites, and there are 2 dictionaries/);
  });

  test("--dry-run reads no weights: what it would take counts the dictionary", async () => {
    const given = ["--tokens-file", ids, "--dry-run", "--json"];
    const one = await call("features", at("model"), "--dictionary", at("sae"), ...given);
    const two = await call(
      ...(["features", at("model"), "--dictionary", at("sae")] as const),
      ...["--dictionary", at("before"), ...given],
    );
    expect([one.code, two.code]).toEqual([EXIT.ok, EXIT.ok]);
    const bytes = ({ stdout }: Ran): number => JSON.parse(stdout).peakBytes;
    // The second one's weights: W_enc and W_dec, b_enc, b_dec.
    expect(bytes(two) - bytes(one)).toBe(4 * (2 * 16 * 24 + 24 + 16));
  });
});
