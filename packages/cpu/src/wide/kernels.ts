import type { Precision } from "@resolvent/tensor";
import { Machine } from "../machine.ts";
import { loadModule, nodeModule, simdSupport } from "../module.ts";
import { FIRST_FREE, Pool } from "../pool.ts";
import { fastestTile } from "../probe.ts";
import type { WideKernels, Widened } from "../start.ts";
import { difference, results, times } from "./check.ts";
import { loadWideModule } from "./module.ts";

/** The tile of 6 × 16 numbers in assembly/tile.ts, which only the wider kernels have. */
const WIDE_TILE = 3;

/** The first version of Node whose V8 makes 256-bit operations of two 128-bit ones. */
const FIRST_NODE = 24;

/** The wider kernels must be this many times as fast as the ordinary ones: less may be chance. */
const LEAST_GAIN = 1.1;

/** Pages of 64 KiB that the check may take for each kind of kernels. */
const CHECK_PAGES = 256;

/** They are tried once for a process: what is faster must not change from engine to engine. */
let tried: Promise<Widened> | undefined;

/**
 * Wider kernels for products in f32, twice as fast: `createCpu({ wide: wideKernels })`.
 *
 * For Node 24 and later on x64 processors with AVX2. They rest on an experimental part of V8, so they are compared with
 * the ordinary kernels when the first engine of a process asks for them, bit for bit and in speed, and used where they
 * pass; `Cpu.wide` says whether, or why not.
 */
export const wideKernels: WideKernels = async (precision) => {
  const why = lacking(precision);
  if (why !== undefined) return { wide: { used: false, why } };
  tried ??= attempt();
  return tried;
};

/** What is missing for the wider kernels before they are tried. */
function lacking(precision: Precision): string | undefined {
  if (nodeModule("node:v8") === undefined) {
    return `The wider kernels need Node ${FIRST_NODE} or later; this is another runtime.`;
  }
  const { node } = process.versions;
  if (!(Number.parseInt(node, 10) >= FIRST_NODE)) {
    return `The wider kernels need Node ${FIRST_NODE} or later; this is ${node}.`;
  }
  if (process.arch !== "x64") {
    return `The wider kernels need an x64 processor; this is ${process.arch}.`;
  }
  if (!simdSupport().relaxed) return "The wider kernels need relaxed SIMD, which is switched off.";
  if (precision !== "f32")
    return `The wider kernels are for f32; this engine computes in ${precision}.`;
  return undefined;
}

async function attempt(): Promise<Widened> {
  const refused = (why: string): Widened => ({ wide: { used: false, why } });
  try {
    // The ordinary kernels compute first, before any flag is set.
    const ordinary = await checkMachine(await loadModule("f32"));
    ordinary.tile = fastestTile(ordinary);
    const expected = results(ordinary);
    const module = await loadWideModule();
    const wider = await checkMachine(module);
    wider.tile = WIDE_TILE;
    const wrong = difference(expected, results(wider));
    if (wrong !== undefined) return refused(`The wider kernels compute ${wrong}.`);
    const [slow, fast] = times([ordinary, wider]);
    if (fast * LEAST_GAIN > slow) {
      const gain = (slow / fast).toFixed(2);
      return refused(`The wider kernels are not faster here: ${gain} times the ordinary ones.`);
    }
    return { module, tile: WIDE_TILE, wide: { used: true } };
  } catch (error) {
    // An experimental part of the runtime may fail in any way; the ordinary kernels do without it.
    return refused(
      `The wider kernels did not run: ${error instanceof Error ? error.message : error}`,
    );
  }
}

async function checkMachine(module: WebAssembly.Module): Promise<Machine> {
  const initial = Math.ceil(FIRST_FREE / 65536);
  const memory = new WebAssembly.Memory({ initial, maximum: CHECK_PAGES, shared: true });
  return new Machine(memory, await Pool.start(module, memory, 1), "f32", CHECK_PAGES * 65536);
}
