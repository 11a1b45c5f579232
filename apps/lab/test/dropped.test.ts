import { expect, test } from "vitest";
import { modelFiles, notRead, severalModels } from "../src/state/dropped.ts";

const placed = (...paths: string[]) =>
  paths.map((path) => ({ path, file: new File(["{}"], path.split("/").at(-1) ?? path) }));

test("one model is taken from what is around it; of several nobody says which", () => {
  const one = placed("m/config.json", "m/model.safetensors", "m/old/config.json", "notes.txt");
  expect(severalModels(one)).toBeUndefined();
  const files = modelFiles(one);
  expect([files.name, files.files.map(([name]) => name)]).toEqual([
    "m",
    ["config.json", "model.safetensors"],
  ]);
  expect(notRead(files)).toBeUndefined();
  const several = severalModels(placed("all/a/config.json", "all/b/config.json"));
  expect(several?.code).toBe("lab/several-models");
  expect(several?.message).toContain("There are 2 models in it: a, b.");
  const many = severalModels(placed(...Array.from({ length: 7 }, (_, i) => `m${i}/config.json`)));
  expect(many?.message).toContain("m4, and 2 more");
});
