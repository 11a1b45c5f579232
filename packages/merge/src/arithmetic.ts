import { InputError, onceMade } from "@resolvent/tensor";
import { type Job, type Outcome, runnerOf } from "../worker/run.js";

/** Computes stretches of tensors, on the calling thread or on others; results do not depend on it. */
export interface Arithmetic {
  /** How many stretches are computed at the same time. */
  readonly threads: number;
  readonly room: Room;
  run(job: Job): Promise<Outcome>;
  close(): Promise<void>;
}

/** A memory that all threads see. */
export interface Room {
  readonly memory: WebAssembly.Memory;
  /** The address of so many bytes; they stay taken. Throws `merge/too-large-for-memory`. */
  take(bytes: number): number;
}

const PAGE = 65_536;

/** Where the kernels' own data end. */
const START = 8192;

/** A memory that grows as it is needed, up to what WebAssembly has. */
export function roomOf(): Room {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: PAGE, shared: true });
  let end = START;
  return {
    memory,
    take: (bytes) => {
      const at = end;
      end = Math.ceil((at + bytes) / 64) * 64;
      const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
      try {
        if (missing > 0) memory.grow(missing);
      } catch (cause) {
        throw new InputError({
          code: "merge/too-large-for-memory",
          message: `${end} bytes do not fit into the memory of the kernels.`,
          remedy: "Use a machine with more memory, or fewer threads.",
          details: { bytes: end },
          cause,
        });
      }
      return at;
    },
  };
}

/** Places for what programs need for themselves: one that is large enough, made anew where a program needs more. */
export function placeOf(room: Room): (bytes: number) => number {
  let [base, size] = [0, 0];
  return (bytes) => {
    if (bytes > size) {
      size = Math.max(bytes, 2 * size);
      base = room.take(size);
    }
    return base;
  };
}

/** The kernels of `assembly/`, compiled once. Throws `merge/no-kernels`. */
export const loadKernels: () => Promise<WebAssembly.Module> = onceMade(
  async () =>
    await WebAssembly.compile(await bytesOf(new URL("../wasm/merge.wasm", import.meta.url))),
);

async function bytesOf(url: URL): Promise<BufferSource> {
  const files =
    url.protocol === "file:" && typeof process === "object"
      ? process.getBuiltinModule?.("node:fs/promises")
      : undefined;
  try {
    if (files !== undefined) return new Uint8Array(await files.readFile(url)); // never shared
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.arrayBuffer();
  } catch (cause) {
    throw new InputError({
      code: "merge/no-kernels",
      message: `The kernels at ${url} could not be read.`,
      remedy:
        "Serve the package's wasm folder beside its code, use a bundler that follows new URL(), or build the package.",
      details: { url: url.href },
      cause,
    });
  }
}

/** Computes on the calling thread. */
export async function onThisThread(): Promise<Arithmetic> {
  const room = roomOf();
  const run = runnerOf(await loadKernels(), room.memory);
  const place = placeOf(room);
  return {
    threads: 1,
    room,
    run: async (job) => run(job, place(job.program.bytes)),
    close: async () => {},
  };
}
