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
  // What the module accepts, not what it takes.
  ...["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
  ...["--enable", "threads"],
]);
if (error) {
  console.error(stderr.toString());
  throw error;
}
