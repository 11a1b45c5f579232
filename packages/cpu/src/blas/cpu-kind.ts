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
 * @param cpuinfo the text of Linux's `/proc/cpuinfo`
 * @returns undefined where its choice is right, or where there is nothing to tell by
 */
export function betterCore(core: string, cpuinfo: string): "SkylakeX" | "Haswell" | undefined {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  const has = (wanted: readonly string[]): boolean => wanted.every((flag) => flags.has(flag));
  const is = (cores: readonly string[]): boolean =>
    cores.some((known) => known.toLowerCase() === core.toLowerCase());
  if (is(wide)) return undefined;
  if (has(avx512)) return "SkylakeX";
  return has(avx2) && !is(middle) ? "Haswell" : undefined;
}
