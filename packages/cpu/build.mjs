// Compiles assembly/ to wasm/: each precision plain and with relaxed SIMD (fused multiply-add), and the
// decompositions of linear algebra, which own their memory and give the same bits in every runtime.
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here("wasm"), { recursive: true });

for (const precision of ["f32", "f64"]) {
  for (const relaxed of [false, true]) {
    await compile(`assembly/${precision}.ts`, relaxed ? `${precision}-relaxed` : precision, [
      "--importMemory",
      "--sharedMemory",
      // What the module accepts, not what it takes: the engine's limit decides.
      "--initialMemory",
      "1",
      "--maximumMemory",
      "65536",
      "--enable",
      "threads",
      ...(relaxed ? ["--enable", "relaxed-simd"] : []),
    ]);
  }
}
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
