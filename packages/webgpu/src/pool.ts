import { InputError } from "@resolvent/tensor";
import type { Counting } from "./counts.ts";

/** What buffers may be used for; `GPUBufferUsage` of the standard, which Node does not have as a global. */
export const USAGE = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;

const OF_TENSORS = USAGE.storage | USAGE.copySource | USAGE.copyTarget;

/** Memory of a device in use, in bytes. */
export interface MemoryUse {
  readonly used: number;
  /** The most that was in use at one time. */
  readonly most: number;
  /** The most that may be: the option `limit`, else infinite, since devices do not say what they have. */
  readonly limit: number;
}

/** A buffer that holds the numbers of one node. */
export interface Block {
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer. */
  readonly size: number;
  /** The batch of commands that last used it. */
  batch: number;
}

/** Bytes that are kept for later beside what is in use. */
const IDLE = 256 * 2 ** 20;

/** The buffers of a device: those that are given back are used again. */
export class Pool {
  readonly #device: GPUDevice;
  readonly #counts: Counting;
  readonly #limit: number;
  /** Bytes that one kernel sees of one tensor. */
  readonly #largest: number;
  readonly #idle = new Map<number, Block[]>();
  #idleBytes = 0;
  #used = 0;
  #most = 0;

  constructor(device: GPUDevice, counts: Counting, limit: number) {
    this.#device = device;
    this.#counts = counts;
    this.#limit = limit;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    this.#largest = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  }

  get use(): MemoryUse {
    return { used: this.#used, most: this.#most, limit: this.#limit };
  }

  /**
   * A buffer of at least so many bytes.
   *
   * @param before the buffer's last batch must be before this one: for writes that do not wait for commands
   * @throws InputError `webgpu/too-large`, `webgpu/out-of-memory`
   */
  take(bytes: number, before: number = Number.POSITIVE_INFINITY): Block {
    const size = Math.min(sizeClass(bytes), Math.max(bytes, this.#largest)); // the largest are made to measure
    const idle = this.#idle.get(size) ?? [];
    const at = idle.findLastIndex(({ batch }) => batch < before);
    const block = at < 0 ? this.#make(bytes, size) : (idle.splice(at, 1)[0] as Block); // found
    if (at >= 0) this.#idleBytes -= size;
    this.#used += size;
    this.#most = Math.max(this.#most, this.#used);
    return block;
  }

  give(block: Block): void {
    const idle = this.#idle.get(block.size);
    if (idle === undefined) this.#idle.set(block.size, [block]);
    else idle.push(block);
    this.#used -= block.size;
    this.#idleBytes += block.size;
  }

  /** Gives buffers back to the device that nothing needs, where they are many. No commands wait that use them. */
  trim(): void {
    for (const blocks of this.#idle.values()) {
      while (this.#idleBytes > IDLE && blocks.length > 0) this.#destroy(blocks);
    }
  }

  #destroy(blocks: Block[]): void {
    const block = blocks.shift();
    if (block === undefined) return;
    block.buffer.destroy();
    this.#idleBytes -= block.size;
  }

  #make(bytes: number, size: number): Block {
    const largest = this.#largest;
    if (bytes > largest) {
      throw new InputError({
        code: "webgpu/too-large",
        message: `A tensor takes ${bytes} bytes, and a kernel of this device sees at most ${largest} at once.`,
        remedy: "Use fewer prompts or positions at a time, weights in 16 bits, or the cpu engine.",
        details: { bytes, limit: largest },
      });
    }
    if (this.#used + size > this.#limit) {
      throw new InputError({
        code: "webgpu/out-of-memory",
        message: `The webgpu engine needs ${size} more bytes, with ${this.#used} of ${this.#limit} in use.`,
        remedy: "Free tensors, use a smaller model or input, or pass a larger limit.",
        details: { needed: size, used: this.#used, limit: this.#limit },
      });
    }
    this.#counts.buffers++;
    const buffer = this.#device.createBuffer({ size, usage: OF_TENSORS });
    return { buffer, size, batch: -1 };
  }
}

/** Sizes of buffers, so that few differ: eighths between powers of two, at most an eighth more than is needed. */
function sizeClass(bytes: number): number {
  const step = Math.max(256, 2 ** (Math.ceil(Math.log2(Math.max(1, bytes))) - 4));
  return Math.ceil(Math.max(1, bytes) / step) * step;
}
