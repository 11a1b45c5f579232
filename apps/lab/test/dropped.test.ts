import { expect, test } from "vitest";
import { modelFiles, notRead, severalModels } from "../src/state/dropped.ts";
import { hubModelOf } from "../src/state/own-names.ts";

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

test("what is no model says what it is, and what to do with it", () => {
  const refused = (...paths: string[]): string | undefined =>
    notRead(modelFiles(placed(...paths)))?.message;
  expect(refused("a/adapter_config.json", "a/adapter_model.safetensors", "a/config.json")).toMatch(
    /an adapter \(LoRA\).*merge_and_unload/,
  );
  expect(refused("s/cfg.json", "s/sae_weights.safetensors")).toMatch(/dictionary.*--folder/);
  expect(refused("config.json", "tokenizer.json")).toMatch(/no weights beside config.json/);
  // Of a model that was saved with one beside it, that is no matter.
  expect(refused("config.json", "model.safetensors", "adapter_config.json")).toBeUndefined();
});

test("a name on the Hub, as it is typed, or as the address of a page is pasted", () => {
  const named = (typed: string): string => Object.values(hubModelOf(typed)).join(" ");
  expect(named(" hub:org/name@v1 ")).toBe("org/name v1");
  expect(named("gpt2")).toBe("gpt2 main");
  expect(named("https://huggingface.co/org/name?library=transformers#uses")).toBe("org/name main");
  expect(named("huggingface.co/org/name/")).toBe("org/name main");
  expect(named("https://huggingface.co/gpt2/tree/v1/onnx")).toBe("gpt2 v1");
  expect(named("https://huggingface.co/org/name/tree/refs%2Fpr%2F1")).toBe("org/name refs/pr/1");
  expect(named("https://huggingface.co/org/name/blob/main/config.json?x=1")).toBe("org/name main");
});
