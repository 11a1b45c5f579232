// Compiles assembly/ to wasm/: each precision plain and with relaxed SIMD (fused multiply-add).
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here("wasm"), { recursive: true });

for (const precision of ["f32", "f64"]) {
  for (const relaxed of [false, true]) {
    const name = relaxed ? `${precision}-relaxed` : precision;
    const { error, stderr } = await asc.main([
      here(`assembly/${precision}.ts`),
      "--outFile",
      here(`wasm/${name}.wasm`),
      "--optimizeLevel",
      "3",
      "--noAssert",
      "--runtime",
      "stub",
      "--importMemory",
      "--sharedMemory",
      // What the module accepts, not what it takes: the engine's limit decides.
      "--initialMemory",
      "1",
      "--maximumMemory",
      "65536",
      "--enable",
      "simd",
      "--enable",
      "threads",
      ...(relaxed ? ["--enable", "relaxed-simd"] : []),
    ]);
    if (error) {
      console.error(stderr.toString());
      throw error;
    }
  }
}
