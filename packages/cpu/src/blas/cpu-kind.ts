import { nodeModule } from "../module.ts";

/** Kernels of OpenBLAS for 512-bit vectors. */
const wide = ["SkylakeX", "Cooperlake", "SapphireRapids", "Zen4", "Zen5"];

/** Kernels of OpenBLAS for 256-bit vectors with fused multiply-add. */
const middle = ["Haswell", "Zen"];

/** What `SkylakeX` kernels use. */
const avx512 = ["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"];

/** What `Haswell` kernels use. */
const avx2 = ["avx2", "fma"];

/**
 * The kernels OpenBLAS should be told to use (`OPENBLAS_CORETYPE`), where those it chose are for an older
 * processor than this one: it knows processors by their numbers, and takes one it does not know for something
 * older. Zen 5 under OpenBLAS 0.3.21 is `Haswell`, which is half as fast.
 *
 * @param core what the library says it uses
 * @param info the text of Linux's `/proc/cpuinfo`
 * @returns undefined where its choice is right, or where there is nothing to tell by
 */
export function betterCore(core: string, info: string): "SkylakeX" | "Haswell" | undefined {
  const flags = flagsIn(info);
  const has = (wanted: readonly string[]): boolean => wanted.every((flag) => flags.has(flag));
  const is = (cores: readonly string[]): boolean =>
    cores.some((known) => known.toLowerCase() === core.toLowerCase());
  if (is(wide)) return undefined;
  if (has(avx512)) return "SkylakeX";
  return has(avx2) && !is(middle) ? "Haswell" : undefined;
}

/** What Linux says of its processors; nothing elsewhere. */
export function cpuinfo(): string {
  try {
    return nodeModule("node:fs")?.readFileSync("/proc/cpuinfo", "utf8") ?? "";
  } catch {
    return ""; // no /proc
  }
}

/**
 * Bits of the widest vectors that a processor computes with.
 *
 * @param architecture as Node names it
 * @param info the text of Linux's `/proc/cpuinfo`, where there is one
 * @returns undefined where there is nothing to tell by
 */
export function vectorBits(architecture: string, info: string): number | undefined {
  if (architecture === "arm64") return 128; // what all of them have; wider ones (SVE) are not told from here
  const flags = flagsIn(info);
  if (architecture !== "x64" || flags.size === 0) return undefined;
  if (flags.has("avx512f")) return 512;
  return flags.has("avx2") ? 256 : 128;
}

function flagsIn(info: string): ReadonlySet<string> {
  return new Set(/^flags\s*:(.*)$/m.exec(info)?.[1]?.trim().split(/\s+/));
}
