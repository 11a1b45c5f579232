import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, defaultClientConditions, type Rolldown } from "vite";
import { describe, expect, test } from "vitest";
import { isPublic, membersOf, repository } from "../src/members.mjs";

/**
 * What the main entry of each package may take in a browser, minified and gzipped, with all that it imports: bytes
 * measured plus 10 %. A package above its ceiling has got a dependency, or a part that belongs behind an entry of its
 * own; one that has grown for a reason gets a new ceiling, and the reason.
 */
const ceilings: Readonly<Record<string, readonly [bytes: number, holds: string]>> = {
  analysis: [5300, "the contract and its texts; schemas and zod are in /analyses and /parameters"],
  attention: [
    18200,
    "weight processing and blocks of transformer, tensor's reference for small products",
  ],
  cpu: [
    25400,
    "the engine and its decompositions; kernels are files of their own, BLAS is not bundled",
  ],
  expansion: [
    31500,
    "blocks of transformer and all derivatives of tensor; nothing that loads models",
  ],
  linearity: [29300, "the same and the page, with its figures"],
  models: [270, "URLs only: the weights are files beside it"],
  patching: [
    20500,
    "blocks of transformer and reverse-mode derivatives; what misspelt sites and nodes are nearest to",
  ],
  paths: [23000, "blocks of transformer and tensor's derivatives; of expansion next to nothing"],
  resolvent: [
    106500,
    "the engine, loading, families and tokenizers: what a page needs to run a model; no schemas",
  ],
  tensor: [13900, "the reference engine and every derivative: all that an Ops can be"],
  transformer: [
    71000,
    "loading, families and tokenizers, whose Oniguruma patterns take a third of it",
  ],
  weights: [11000, "readers and the Hub, nearest names; what is for Node only is in /node"],
};

const libraries = membersOf(repository)
  .filter(isPublic)
  .filter(({ group }) => group === "packages");

/** Bytes of an entry and all that it imports as a browser gets them: minified and gzipped, without files it fetches. */
async function bundled(folder: string): Promise<number> {
  const root = join(repository, folder);
  const result = (await build({
    configFile: false,
    root,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source", ...defaultClientConditions] },
    build: {
      write: false,
      minify: true,
      target: "esnext",
      modulePreload: false,
      rolldownOptions: {
        input: join(root, "src/index.ts"),
        preserveEntrySignatures: "strict",
        external: [/^node:/, "koffi"],
      },
    },
  })) as Rolldown.RolldownOutput; // one input, and nothing is watched
  const chunks = result.output.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
  return chunks.reduce((sum, code) => sum + gzipSync(code).length, 0);
}

describe("what the import of a library weighs", () => {
  test("every library has a ceiling", () => {
    expect(libraries.map(({ id }) => id)).toEqual(Object.keys(ceilings));
  });

  test.each(libraries.map(({ id, folder }) => [id, folder] as const))("%s", async (id, folder) => {
    const size = await bundled(folder);
    const [ceiling = 0, holds] = ceilings[id] ?? [];
    expect(size, `${id} has ${size} bytes (${holds})`).toBeLessThanOrEqual(ceiling);
    expect(size, `${id} has only ${size} bytes: lower its ceiling`).toBeGreaterThan(ceiling / 2);
  });
});
