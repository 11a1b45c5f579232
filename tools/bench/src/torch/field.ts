/** Who takes part: PyTorch as one may have it, and Resolvent. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Contestant, inProcess, type Program } from "./contestant.ts";

/** The interpreter that Debian's python3-torch belongs to. */
const PYTHON = process.env.RESOLVENT_PYTHON ?? "/usr/bin/python3";

/** Where Debian's libopenblas0-openmp is, which stands beside the other builds. */
const OPENMP_BLAS =
  process.env.RESOLVENT_OPENMP_BLAS ?? "/usr/lib/x86_64-linux-gnu/openblas-openmp";

/** Both sides choose their kernels themselves, whatever was set where this was started. */
const UNSET = { OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };

/**
 * Memory that is freed stays with the process. Unless told, the C library returns large pieces to the system, and they are
 * made anew page by page, which took fourteen times as long as all else of a merge where a page is dear (18 µs, in a virtual
 * machine).
 */
export const MEMORY_KEPT = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: `${2 ** 40}` };

/** Whether a column is Resolvent's. */
export function isOurs(contestant: string): boolean {
  return contestant.startsWith("Resolvent");
}

/** PyTorch as it comes first, then what may make it faster. */
export function pytorches(threads: number): Contestant[] {
  const one = (what: string, env: Program["env"]): Contestant =>
    inProcess({
      name: `PyTorch${what}`,
      command: [PYTHON, fileURLToPath(new URL("../../src/torch/contender.py", import.meta.url))],
      env: {
        ...UNSET,
        PYTHONDONTWRITEBYTECODE: "1",
        OMP_NUM_THREADS: `${threads}`,
        OPENBLAS_NUM_THREADS: `${threads}`,
        ...env,
      },
    });
  return [
    one("", {}),
    one(", SkylakeX", { OPENBLAS_CORETYPE: "SkylakeX", ...MEMORY_KEPT }),
    one(", Haswell", { OPENBLAS_CORETYPE: "Haswell", ...MEMORY_KEPT }),
    one(", passive", { OMP_WAIT_POLICY: "PASSIVE", ...MEMORY_KEPT }),
    ...(existsSync(OPENMP_BLAS)
      ? [one(", OpenMP", { LD_LIBRARY_PATH: OPENMP_BLAS, ...MEMORY_KEPT })]
      : []),
  ];
}

/** Resolvent on a Node, with the system's BLAS, its own kernels, or the wider ones of them. */
export function resolvent(
  what: string,
  node: string,
  use: "blas" | "kernels" | "wide",
): Contestant {
  return inProcess({
    name: `Resolvent${what}`,
    command: [node, fileURLToPath(new URL("contender.js", import.meta.url))],
    env: {
      ...UNSET,
      RESOLVENT_BLAS: use === "blas" ? "auto" : "off",
      RESOLVENT_WIDE: use === "wide" ? "1" : undefined,
    },
  });
}
