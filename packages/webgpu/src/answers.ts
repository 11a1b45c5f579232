import { type Block, USAGE } from "./pool.ts";

/** Bytes of a block that the host asks for. */
export interface Wanted {
  readonly block: Block;
  readonly start: number;
  readonly bytes: number;
}

/** Some of them, where they lie in a buffer that the host reads. */
interface Stretch {
  readonly buffer: GPUBuffer;
  readonly from: number;
  readonly back: number;
  readonly at: number;
  readonly bytes: number;
}

/** Copies of bytes to the host: all in one buffer, or in several where they are more than one holds. */
export class Answers {
  /** Of each of what is asked for. */
  readonly #stretches: readonly (readonly Stretch[])[];
  readonly #backs: readonly GPUBuffer[];

  /** @param part the most bytes of one buffer, of those that are read as of those that are copied to */
  constructor(
    device: GPUDevice,
    encoder: GPUCommandEncoder,
    wanted: readonly Wanted[],
    part: number,
  ) {
    let total = 0;
    this.#stretches = wanted.map(({ block, start, bytes }) => {
      const own: Stretch[] = [];
      let done = 0;
      while (done < bytes) {
        const [from, at] = [(start + done) % part, total % part];
        const { buffer } = block[Math.floor((start + done) / part)] as Block[number]; // within
        const count = Math.min(bytes - done, part - from, part - at);
        const back = Math.floor(total / part);
        own.push({ buffer, from, back, at, bytes: count });
        done += count;
        total += count;
      }
      return own;
    });
    this.#backs = Array.from({ length: Math.ceil(total / part) }, (_, i) =>
      device.createBuffer({
        size: Math.min(part, total - i * part),
        usage: USAGE.mapRead | USAGE.copyTarget,
      }),
    );
    for (const { buffer, from, back, at, bytes } of this.#stretches.flat())
      encoder.copyBufferToBuffer(buffer, from, this.#backs[back] as GPUBuffer, at, bytes);
  }

  /** The bytes, once the device has copied them. */
  async come(device: GPUDevice): Promise<readonly ArrayBuffer[]> {
    if (this.#backs.length === 0) await device.queue.onSubmittedWorkDone(); // nothing was asked but when
    await Promise.all(this.#backs.map((back) => back.mapAsync(1))); // GPUMapMode.READ
    const mapped = this.#backs.map((back) => back.getMappedRange());
    return this.#stretches.map((own) => {
      const all = own.map(({ back, at, bytes }) =>
        (mapped[back] as ArrayBuffer).slice(at, at + bytes),
      );
      return all.length === 1 ? (all[0] as ArrayBuffer) : joined(all);
    });
  }

  end(): void {
    for (const back of this.#backs) back.destroy();
  }
}

function joined(all: readonly ArrayBuffer[]): ArrayBuffer {
  const bytes = new Uint8Array(all.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const each of all) {
    bytes.set(new Uint8Array(each), at);
    at += each.byteLength;
  }
  return bytes.buffer;
}
