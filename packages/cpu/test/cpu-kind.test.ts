import { expect, test } from "vitest";
import { betterCore, vectorBits } from "../src/blas/cpu-kind.ts";

/** Parts of recorded texts of `/proc/cpuinfo`. */
const zen5 = `processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 26
model name\t: AMD EPYC
flags\t\t: fpu vme sse sse2 ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt avx f16c bmi1 avx2 smep bmi2 avx512f avx512dq adx avx512ifma clwb avx512cd sha_ni avx512bw avx512vl avx_vnni avx512_bf16 avx512vbmi avx512_vnni

processor\t: 1
flags\t\t: fpu
`;
const zen2 = `processor\t: 0
model name\t: AMD Ryzen 7 3700X 8-Core Processor
flags\t\t: fpu sse sse2 ssse3 fma cx16 sse4_1 sse4_2 popcnt avx f16c avx2 bmi2 sha_ni
bugs\t\t: sysret_ss_attrs avx512f
`;
const knightsLanding = `flags\t\t: fpu sse4_2 avx f16c fma avx2 bmi2 avx512f avx512pf avx512er avx512cd\n`;
const nehalem = `processor\t: 0
model name\t: Intel(R) Core(TM) i7 CPU 920 @ 2.67GHz
flags\t\t: fpu sse sse2 ssse3 cx16 sse4_1 sse4_2 popcnt
`;
const arm = `processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp sve
CPU implementer\t: 0x41
`;

test.each([
  // An old library takes a new processor for an older one, a new library knows it.
  ["Haswell", zen5, "SkylakeX"],
  ["Zen", zen5, "SkylakeX"],
  ["Prescott", zen5, "SkylakeX"],
  ["SkylakeX", zen5, undefined],
  ["Cooperlake", zen5, undefined],
  ["SapphireRapids", zen5, undefined],
  ["SKYLAKEX", zen5, undefined],
  // Without 512-bit vectors Haswell's kernels are the best.
  ["Zen", zen2, undefined],
  ["Haswell", zen2, undefined],
  ["Prescott", zen2, "Haswell"],
  ["Barcelona", zen2, "Haswell"],
  ["Haswell", knightsLanding, undefined],
  ["Nehalem", nehalem, undefined],
  // Other systems say nothing that could be used.
  ["ARMV8", arm, undefined],
  ["Haswell", "", undefined],
])("%s on %#: %s", (core, cpuinfo, better) => {
  expect(betterCore(core, cpuinfo)).toBe(better);
});

test.each([
  ["x64", zen5, 512],
  ["x64", zen2, 256],
  ["x64", nehalem, 128],
  ["arm64", arm, 128],
  ["arm64", "", 128],
  ["x64", "", undefined],
  ["riscv64", "flags\t: v", undefined],
])("the vectors of %s processors", (architecture, cpuinfo, bits) => {
  expect(vectorBits(architecture, cpuinfo)).toBe(bits);
});
