import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cycles, wrongArrows } from "../src/arrows.mjs";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** The problems of a workspace with these files; a manifest is given by its dependencies. */
function problemsOf(files: Record<string, string | Record<string, unknown>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "resolvent-arrows-"));
  made.push(root);
  const manifests = { "package.json": { devDependencies: { vitest: "1" } } };
  for (const [path, content] of Object.entries({ ...manifests, ...files })) {
    const name = `@resolvent/${path.split("/")[1]}`;
    const text = typeof content === "string" ? content : JSON.stringify({ name, ...content });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return wrongArrows(root);
}

const uses = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, "workspace:^"] as const));

test("accepts arrows down the order, apps on packages, and the testkit in tests", () => {
  const problems = problemsOf({
    "packages/tensor/package.json": { devDependencies: uses("@resolvent/testkit") },
    "packages/tensor/src/index.ts": `export { a } from "./a.ts";\nimport "node:fs";`,
    "packages/tensor/src/a.ts": `// import "@resolvent/cli";\nexport const a = 'import "../../cpu/x.ts"';`,
    "packages/tensor/test/a.test.ts": `import "@resolvent/tensor"; import "@resolvent/testkit"; import "vitest";`,
    "packages/weights/package.json": {
      peerDependencies: uses("@resolvent/tensor"),
      devDependencies: uses("@resolvent/tensor"),
    },
    "packages/weights/src/index.ts": `import type { T } from "@resolvent/tensor/deep";`,
    "apps/cli/package.json": { dependencies: uses("@resolvent/tensor", "@resolvent/weights") },
    "apps/cli/src/index.ts": `const w = await import("@resolvent/weights");`,
    "tools/testkit/package.json": {},
  });
  expect(problems).toEqual([]);
});

test("catches an arrow up the order, in a manifest and in a source", () => {
  const problems = problemsOf({
    "packages/tensor/package.json": { dependencies: uses("@resolvent/weights") },
    "packages/tensor/src/index.ts": `export type { A } from "@resolvent/weights";`,
    "packages/weights/package.json": {},
  });
  expect(problems).toEqual([
    "packages/tensor/package.json depends on @resolvent/weights: tensor comes before weights in the order",
    "packages/tensor/src/index.ts imports @resolvent/weights: tensor comes before weights in the order",
  ]);
});

test("catches packages that use apps, tools, the testkit outside of tests, and engines", () => {
  const problems = problemsOf({
    "packages/cpu/package.json": {},
    "packages/weights/package.json": {
      dependencies: uses(
        "@resolvent/cli",
        "@resolvent/bench",
        "@resolvent/testkit",
        "@resolvent/cpu",
      ),
    },
    "apps/cli/package.json": {},
    "tools/bench/package.json": {},
    "tools/testkit/package.json": {},
  });
  expect(problems).toHaveLength(4);
  expect(problems.join("\n")).toMatch(
    /cli: .*app\n.*bench: .*tools\n.*testkit: .*\n.*cpu: engines/,
  );
});

test("lets tests use engines, and tools use packages", () => {
  const problems = problemsOf({
    "packages/cpu/package.json": {},
    "packages/weights/package.json": { devDependencies: uses("@resolvent/cpu") },
    "packages/weights/test/a.test.ts": `import "@resolvent/cpu";`,
    "tools/train/package.json": { dependencies: uses("@resolvent/cpu", "@resolvent/weights") },
    "tools/train/src/a.ts": `import "@resolvent/cpu"; import "@resolvent/weights";`,
  });
  expect(problems).toEqual([]);
});

test("catches packages that bring a tensor of their own, and a peer that is not installed here", () => {
  const problems = problemsOf({
    "packages/tensor/package.json": {},
    "packages/weights/package.json": { dependencies: uses("@resolvent/tensor") },
    "packages/transformer/package.json": { peerDependencies: uses("@resolvent/tensor") },
  });
  expect(problems).toEqual([
    "packages/transformer/package.json depends on @resolvent/tensor: as a peer it is not installed here: add it to devDependencies too",
    "packages/weights/package.json depends on @resolvent/tensor: a program holds one copy of it: make it a peer dependency",
  ]);
});

test("catches a package without a place in the order", () => {
  const problems = problemsOf({
    "packages/novel/package.json": {},
    "apps/cli/package.json": { dependencies: uses("@resolvent/novel") },
  });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain("packages/novel has no place in the order");
});

test("catches undeclared dependencies, and test dependencies in sources", () => {
  const problems = problemsOf({
    "packages/tensor/package.json": { devDependencies: { "fast-check": "1" } },
    "packages/tensor/src/a.ts": `import "fast-check"; import "vitest"; import "@scope/name/deep";`,
    "packages/tensor/test/a.test.ts": `import "fast-check"; import "left-pad";`,
  });
  expect(problems.map((problem) => problem.split(", which")[0])).toEqual([
    "packages/tensor/src/a.ts imports fast-check",
    "packages/tensor/src/a.ts imports vitest",
    "packages/tensor/src/a.ts imports @scope/name",
    "packages/tensor/test/a.test.ts imports left-pad",
  ]);
});

test("catches a reach into another package by path, and a package that imports itself by name", () => {
  const problems = problemsOf({
    "packages/tensor/package.json": {},
    "packages/tensor/src/a.ts": `import "../../weights/src/b.ts"; import "@resolvent/tensor";`,
    "packages/weights/package.json": {},
  });
  expect(problems).toEqual([
    "packages/tensor/src/a.ts reaches out of its package: ../../weights/src/b.ts",
    "packages/tensor/src/a.ts imports its own package by name",
  ]);
});

test("catches an import cycle between files, types included", () => {
  const problems = problemsOf({
    "packages/tensor/package.json": {},
    "packages/tensor/src/a.ts": `import "./b.ts";`,
    "packages/tensor/src/b.ts": `export * from "./deep/c.ts";`,
    "packages/tensor/src/deep/c.ts": `import type { A } from "../a.ts";`,
  });
  expect(problems).toEqual([
    "import cycle: packages/tensor/src/a.ts -> packages/tensor/src/b.ts -> packages/tensor/src/deep/c.ts -> packages/tensor/src/a.ts",
  ]);
});

test("finds a cycle that is reached late, and none in a diamond", () => {
  const graph = (edges: Record<string, string[]>) => cycles(new Map(Object.entries(edges)));
  expect(graph({ a: ["b", "c"], b: ["d"], c: ["d"], d: [] })).toEqual([]);
  expect(graph({ a: ["b"], b: ["c"], c: ["b"] })).toEqual([["b", "c", "b"]]);
  expect(graph({ a: ["a"] })).toEqual([["a", "a"]]);
});
