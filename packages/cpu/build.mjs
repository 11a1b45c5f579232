// Compiles assembly/ to wasm/: each precision plain and with relaxed SIMD (fused multiply-add), f32 also with the
// tile that is made for V8's revectorizer, and the decompositions of linear algebra, which own their memory and give the same bits in every runtime.
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here("wasm"), { recursive: true });

const operations = [
  "--importMemory",
  "--sharedMemory",
  // What the module accepts, not what it takes: the engine's limit decides.
  "--initialMemory",
  "1",
  "--maximumMemory",
  "65536",
  "--enable",
  "threads",
];
const relaxed = ["--enable", "relaxed-simd"];
const narrow = ["--use", "WIDE=0"];
for (const precision of ["f32", "f64"]) {
  const source = `assembly/${precision}.ts`;
  await compile(source, precision, [...operations, ...narrow]);
  await compile(source, `${precision}-relaxed`, [...operations, ...relaxed, ...narrow]);
}
await compile("assembly/f32.ts", "f32-wide", [...operations, ...relaxed, "--use", "WIDE=1"]);
await compile("assembly/linear-algebra/index.ts", "linear-algebra", []);

async function compile(source, name, options) {
  const { error, stderr } = await asc.main([
    here(source),
    "--outFile",
    here(`wasm/${name}.wasm`),
    "--optimizeLevel",
    "3",
    "--noAssert",
    "--runtime",
    "stub",
    "--enable",
    "simd",
    ...options,
  ]);
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
}
