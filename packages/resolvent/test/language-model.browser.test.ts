import { bundledModels } from "@resolvent/models";
import { expect, test } from "vitest";
import { openModel } from "../src/index.ts";

test("a bundled model, by name and by address, runs in a page", async () => {
  const seen = new Set<string>();
  const lm = await openModel("tales", { onProgress: ({ of }) => void seen.add(of) });
  const run = await lm.run("Once upon a time", { sites: ["*.pattern"] });
  expect(run.tokens.map(({ text }) => text).join("")).toBe("Once upon a time");
  expect(run.site("L0.attn.pattern").at({ head: 0, pos: 0, key_pos: 0 })).toBe(1);
  expect([...seen]).toEqual(["tensor"]);

  const url = bundledModels.tales?.url ?? "";
  const engine = lm.engine;
  const same = await openModel(new URL(url), { engine, hash: false });
  expect(same.model.name).toBe("tales");
  const again = await same.ablate({ heads: ["L1.H0"] }).run("Once upon a time");
  expect(again.logits.data).not.toEqual(run.logits.data);
  expect((await same.run("Once upon a time")).logits.data).toEqual(run.logits.data);
  await lm.close();
}, 60_000);

test("an address that leads nowhere is named", async () => {
  await expect(openModel("no/such/model", { threads: 1 })).rejects.toMatchObject({
    message: expect.stringContaining("no/such/model"),
  });
});
