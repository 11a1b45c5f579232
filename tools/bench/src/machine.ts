/** The machine of a run, as tables name it. */
import { inspectMachine } from "@resolvent/cpu";

/** `2 cores of AMD EPYC, vectors of 512 bits, 2026-11-27, 2 threads each`. Takes a quarter of a second of products. */
export async function machineOf(threads: number): Promise<string> {
  const { cores, processor, vectorBits } = await inspectMachine({ blas: "off" });
  const vectors = vectorBits === undefined ? "" : `, vectors of ${vectorBits} bits`;
  const day = new Date().toISOString().slice(0, 10);
  return `${cores} cores of ${processor ?? "a processor"}${vectors}, ${day}, ${threads} threads each`;
}
