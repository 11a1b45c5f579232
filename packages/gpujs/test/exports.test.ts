import { readFileSync } from "node:fs";
import * as gpujs from "@resolvent/gpujs";
import { expect, test } from "vitest";

const text = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");

test("the exported names", () => {
  expect(Object.keys(gpujs).sort()).toEqual(["GPUJS_MODES", "createGpujs", "hostOperations"]);
});

test("nothing is installed with it: gpu.js is inside, with its licences", () => {
  const { dependencies, optionalDependencies, peerDependencies, files, sideEffects } = JSON.parse(
    text("package.json"),
  );
  expect([dependencies, optionalDependencies]).toEqual([undefined, undefined]);
  expect(Object.keys(peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(files).toContain("vendor");
  expect(sideEffects).toBe(false);
  const licences = text("vendor/licences.txt");
  for (const name of ["gpu.js", "gpu-mock.js", "acorn"])
    expect(licences).toMatch(
      new RegExp(`^${name} \\d.*: MIT\\n\\n(.*\\n)*?.*Permission is hereby`, "m"),
    );
  expect(text("vendor/gpu.js")).not.toMatch(/require\(["'](gl|webgpu)["']\)\s*;/);
});

test("the README says what runs on the host, and every operation is somewhere", async () => {
  const { hostOperations, createGpujs } = gpujs;
  const readme = text("README.md").replace(/\s+/g, " ");
  expect(readme).toContain(hostOperations.map((name) => `\`${name}\``).join(", "));
  const [, listed = ""] = /\*\*On kernels\*\*: ([^.]*)\./.exec(readme) ?? [];
  const onKernels = listed.split(", ").map((name) => name.replaceAll("`", ""));
  const engine = await createGpujs({ mode: "cpu" });
  const others = [
    "name",
    "precision",
    "mode",
    "notes",
    "failure",
    "close",
    "read",
    "written",
    "writtenHalf",
    "free",
    "scope",
  ];
  expect([...onKernels, ...hostOperations, ...others].sort()).toEqual(Object.keys(engine).sort());
  await engine.close();
});
