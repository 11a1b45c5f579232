import { bytesAt, nodeModule } from "../module.ts";

/** How V8 compiles the wider kernels: pairs of 128-bit operations to one of 256 bits, and all of it at once. */
const WIDE_FLAGS = [
  ["--experimental-wasm-revectorize", "--no-experimental-wasm-revectorize"],
  ["--no-liftoff", "--liftoff"],
  ["--no-wasm-lazy-compilation", "--wasm-lazy-compilation"],
] as const;

/** The kernels with the wide tile, in f32, for V8's revectorizer. Workers get what is compiled here. */
export async function loadWideModule(): Promise<WebAssembly.Module> {
  const bytes = await bytesAt(new URL("../../wasm/f32-wide.wasm", import.meta.url));
  const v8 = nodeModule("node:v8");
  const given = new Set(process.execArgv);
  // Compiled in one go, so that the flags, which are those of the process, hold for no other module.
  for (const [on] of WIDE_FLAGS) v8?.setFlagsFromString(on);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const [on, off] of WIDE_FLAGS) if (!given.has(on)) v8?.setFlagsFromString(off);
  }
}
