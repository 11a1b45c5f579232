// Compiles assembly/ to wasm/merge.wasm.
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here("wasm"), { recursive: true });
const { error, stderr } = await asc.main([
  here("assembly/index.ts"),
  ...["--outFile", here("wasm/merge.wasm"), "--optimizeLevel", "3", "--noAssert"],
  ...["--runtime", "stub", "--enable", "simd"],
  ...["--initialMemory", "1", "--memoryBase", "1024"],
]);
if (error) {
  console.error(stderr.toString());
  throw error;
}
