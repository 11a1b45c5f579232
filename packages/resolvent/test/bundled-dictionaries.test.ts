import { isInputError } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { findDictionaries as findInBrowsers } from "../src/find-dictionary.ts";
import { findDictionaries } from "../src/node.ts";

test("a bundled name stands for its dictionaries, in the order of their layers", async () => {
  const set = await findDictionaries("tales-transcoders");
  expect(set.map(({ name }) => name)).toEqual(
    [0, 1, 2, 3].map((layer) => `tales-transcoders/transcoder-${layer}`),
  );
  const [sae, ...others] = await findDictionaries("tales-sae");
  expect([sae?.name, others]).toEqual(["tales-sae", []]);
  for (const { folder } of [...set, ...(sae === undefined ? [] : [sae])]) {
    expect(await (await folder.open("cfg.json"))?.size()).toBeGreaterThan(100);
    expect(await (await folder.open("sae_weights.safetensors"))?.size()).toBeGreaterThan(1e5);
  }
});

test("browsers have the same names, and files by their addresses", async () => {
  const set = await findInBrowsers("tales-transcoders");
  expect(set.map(({ name, folder }) => [name, folder.name])).toEqual(
    (await findDictionaries("tales-transcoders")).map(({ name }) => [name, name]),
  );
  expect(await set[0]?.folder.open("other.json")).toBeUndefined();
});

test("another name is a place, and one that is none is told which there are", async () => {
  for (const name of ["./tales-sae", "toString", "tales-saes"]) {
    const error: unknown = await findDictionaries(name).catch((caught: unknown) => caught);
    expect(isInputError(error) && [error.code, error.message]).toEqual([
      ...["resolvent/no-dictionary", expect.stringContaining("tales-transcoders, tales-sae")],
    ]);
  }
});
