import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, defaultClientConditions, type Rolldown } from "vite";
import { describe, expect, test } from "vitest";
import { isPublic, membersOf, readManifest, repository } from "../src/members.mjs";

/**
 * What each entry of each package, but those for Node, may take in a browser, minified and gzipped, with all that it imports: bytes
 * measured plus 10 %. A package above its ceiling has got a dependency, or a part that belongs behind an entry of its
 * own; one that has grown for a reason gets a new ceiling, and the reason.
 */
const ceilings: Readonly<Record<string, readonly [bytes: number, holds: string]>> = {
  analysis: [
    35500,
    "the contract, its host, sets of prompts with their views, checks of views, readers of a corpus, writers of tables, and the SHA-256 of questions; schemas are in /parameters",
  ],
  "analysis/parameters": [3350, "a schema of each kind of parameter, and nearest names"],
  "analysis/remote": [
    26300,
    "both sides of the protocol, and a reader of replies of others; what runs an analysis, checks its parameters, results and views, and hashes its question",
  ],
  attention: [
    19700,
    "weight processing and blocks of transformer, tensor's reference for small products",
  ],
  "attention/analyses": [31900, "all of the package with its answers and views"],
  cpu: [
    29500,
    "the engine; in chunks of their own, which compress worse, decompositions and what finds libraries of the system; kernels are files, BLAS is not bundled",
  ],
  "cpu/wide": [14100, "a second set of kernels, made where it is used"],
  dictionary: [
    57600,
    "readers of seven layouts and of torch's and numpy's archives; runs and sites of transformer; sums and sources of paths; models with features in them",
  ],
  "dictionary/analyses": [
    130000,
    "readers of layouts, training, all that features do, graphs with their files, answers and views; of targets the search for paths",
  ],
  "dictionary/attribution": [
    29800,
    "runs of replaced models; transposes; of graphs their nodes, edges and signed sums; effects by degree of paths",
  ],
  "dictionary/features": [15800, "runs, sites and encoding; products of weights"],
  "dictionary/graph": [
    21900,
    "files, sums and paths of graphs; the reader of torch's archives takes a third of it",
  ],
  "dictionary/train": [
    28000,
    "runs and sites of transformer, reverse-mode derivatives, and safetensors of weights for checkpoints",
  ],
  "dictionary/presentations": [
    28300,
    "tables, views and sentences of graphs, whose files it reads; nothing that makes them",
  ],
  "elements/all": [46600, "all elements with what they share, and each presentation once"],
  "elements/degrees": [
    35000,
    "layouts, one element, and how runs, paths and sets are shown; which digits engines differ in",
  ],
  "elements/figure": [35500, "the same, of scores and forward passes too"],
  "elements/graph": [37400, "layouts, one element, and graphs, whose files it reads"],
  "elements/paths": [33500, "layouts, one element, and how paths and sets are shown"],
  "elements/pattern": [32000, "layouts, one element, and how runs and scores are shown"],
  expansion: [
    50200,
    "blocks of transformer, nodes, nearest names, and all derivatives of tensor; nothing that loads models; the reader and writer of torch's archives for lenses take a fifth of it",
  ],
  "expansion/analyses": [
    69600,
    "all of the package with its answers and views; in a chunk of its own the reader of lenses",
  ],
  "expansion/analyses/expand": [32300, "one analysis with its answers and views"],
  "expansion/presentations": [
    4970,
    "tables, views and sentences of runs by degree and of scores; nothing that computes them",
  ],
  figures: [22800, "layouts, SVG and pages; of analysis how numbers are written"],
  gpujs: [
    177400,
    "the engine is a thirtieth of it: gpu.js is a chunk of its own, loaded when the first engine is made",
  ],
  linearity: [29300, "the same and the page, with its figures"],
  "linearity/analyses": [
    39200,
    "all of the package with its answers and views; what fits and writes lenses",
  ],
  merge: [
    85900,
    "configurations, plans, methods, and how tensors are walked through in pieces; the reader of YAML takes nearly half of it, families and readers of transformer and weights the rest",
  ],
  "merge/analyses": [
    95700,
    "measures and alignments with their answers and views; families and readers of transformer and weights, expansions, samples of linearity",
  ],
  "merge/align": [
    51700,
    "families, loading and runs of transformer, readers and a writer of weights",
  ],
  "merge/measure": [
    43400,
    "runs and sites of transformer, degrees of expansion, sums and search of paths; places of tensors, without plans and YAML",
  ],
  "merge/merging": [
    110000,
    "configurations, plans and methods, their answers and views, and loading and a run of transformer, by which a merge is checked",
  ],
  "merge/methods": [5150, "arithmetic alone"],
  models: [1070, "URLs, and small configs inside them: the weights are files beside it"],
  "models/dictionaries": [1230, "the same of dictionaries"],
  "models/variants": [480, "the same of variants"],
  patching: [
    27200,
    "blocks of transformer with their parts and kinds of units, reverse-mode derivatives, forms of pairs",
  ],
  "patching/analyses": [37700, "all of the package with its answers and views"],
  paths: [
    34100,
    "blocks of transformer and tensor's derivatives; routes, and how many there are; what a host keeps; of expansion next to nothing",
  ],
  "paths/analyses": [46900, "all of the package with its answers and views"],
  "paths/presentations": [4200, "tables, views and sentences of paths; nothing that finds them"],
  resolvent: [
    338000,
    "loading, families and tokenizers: what a page needs to run a model; no schemas; in chunks of their own, which compress worse, the engines, of which gpu.js is half of all, each family, patterns, decompositions, and what unpacks and permutes variants of bundled models",
  ],
  "resolvent/analyses": [
    30600,
    "what inspects, runs and times a model: blocks of transformer, degrees of expansion",
  ],
  "resolvent/host": [
    249000,
    "the contract's parts for a host; loading and families; in chunks of their own the engines, for certificates in float64",
  ],
  "resolvent/presentations": [1900, "tables, views and sentences of a forward pass"],
  report: [
    220000,
    "analyses by degree, of heads, paths, linearity, series and dictionaries with their answers and views, which it puts together",
  ],
  "report/analyses": [220000, "all of the package"],
  tensor: [
    16100,
    "the reference engine and every derivative: all that an Ops can be; how near each engine comes, and the reference's short ways for products",
  ],
  "tensor/rules": [5500, "shape rules, loops and scopes, for engines"],
  transformer: [
    81400,
    "loading, families and tokenizers, whose Oniguruma patterns take a third of it",
  ],
  webgpu: [
    28300,
    "the recorder, the writer of kernels and the engine, for tensors in several buffers, tiles that are timed and what only some devices have; of tensor shape rules and loops; Node's WebGPU is not bundled",
  ],
  weights: [
    13000,
    "readers, requests in blocks, and a thread that reads for streams; what is for Node only is in /node",
  ],
  "weights/packed": [
    13000,
    "the reader and writer of safetensors of weights, and a SHA-256; nothing of servers",
  ],
  "weights/npz": [5900, "the reader of zip, and of arrays"],
  "weights/torch": [8500, "the same reader of zip, and of pickles as data; a writer of both"],
  "weights/hash": [3760, "a SHA-256"],
  "weights/hub": [16100, "what fetches models and keeps them in the browser's storage"],
};

/** What the command's archive may take: its files gzipped, measured plus 15 %. Most of it is the lab. */
const ARCHIVE = 1_750_000;

const libraries = membersOf(repository)
  .filter(isPublic)
  .filter(({ group }) => group === "packages");

/** Bytes of an entry and all that it imports as a browser gets them: minified and gzipped, without files it fetches. */
async function bundled(folder: string, source: string): Promise<number> {
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
        input: join(root, source),
        preserveEntrySignatures: "strict",
        external: [/^node:/, "koffi"],
      },
    },
  })) as Rolldown.RolldownOutput; // one input, and nothing is watched
  const chunks = result.output.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
  return chunks.reduce((sum, code) => sum + gzipSync(code).length, 0);
}

/** The entries that a browser may import, by their names without the scope: `weights/hub`. */
const entries = libraries.flatMap(({ id, folder, manifest: { exports } }) =>
  Object.entries(typeof exports === "object" ? exports : {}).flatMap(([entry, target]) => {
    const given = (target as Record<string, string | { readonly default: string }>)[
      "@resolvent/source"
    ];
    const source = typeof given === "object" ? given.default : given;
    if (source === undefined || entry === "./node") return [];
    return [[`${id}${entry.slice(1)}`, folder, source] as const];
  }),
);

test("the command's archive has the lab, and of bundled models no second copy", () => {
  const folder = join(repository, "apps", "cli");
  const { files = [] } = readManifest(folder);
  const packed = files.flatMap((name) =>
    readdirSync(join(folder, name), { recursive: true, encoding: "utf8" })
      .map((file) => join(folder, name, file))
      .filter((file) => statSync(file).isFile()),
  );
  expect(packed).toContain(join(folder, "dist", "app", "index.html"));
  expect(packed.filter((file) => /\.safetensors$|dist.app.*\.map$/.test(file))).toEqual([]);
  const size = packed.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  expect(size).toBeLessThanOrEqual(ARCHIVE);
  expect(size).toBeGreaterThan(ARCHIVE / 2);
  // What is left out is in the package of models.
  const names: string[] = Object.values(
    JSON.parse(readFileSync(join(folder, "dist", "app-models.json"), "utf8")),
  );
  expect(names).toEqual(expect.arrayContaining(["tales/model.safetensors"]));
  const models = join(repository, "packages", "models");
  const listed = readManifest(models).files ?? [];
  expect(names.filter((name) => !listed.includes(name.split("/")[0] ?? ""))).toEqual([]);
});

describe("what the import of a library weighs", () => {
  test("every entry has a ceiling", () => {
    expect(entries.map(([name]) => name).sort()).toEqual(Object.keys(ceilings).sort());
  });

  test.each(entries)("%s", async (name, folder, source) => {
    const size = await bundled(folder, source);
    const [ceiling = 0, holds] = ceilings[name] ?? [];
    expect(size, `${name} has ${size} bytes (${holds})`).toBeLessThanOrEqual(ceiling);
    expect(size, `${name} has only ${size} bytes: lower its ceiling`).toBeGreaterThan(ceiling / 2);
  });
});
