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

/** A buffer that holds numbers of one node. */
export interface Part {
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer. */
  readonly size: number;
  /** The batch of commands that last used it. */
  batch: number;
}

/** Where the numbers of one node are: in one buffer, or, of a tensor that is larger than any, in several. */
export type Block = readonly Part[];

/** Bytes that are kept for later beside what is in use. */
const IDLE = 256 * 2 ** 20;

/** The buffers of a device: those that are given back are used again. */
export class Pool {
  readonly #device: GPUDevice;
  readonly #counts: Counting;
  readonly #limit: number;
  /** Bytes of each buffer of a block but the last. */
  readonly part: number;
  readonly #idle = new Map<number, Part[]>();
  #idleBytes = 0;
  #used = 0;
  #most = 0;

  /**
   * @param limit bytes that may be in use
   * @param part the most bytes of one buffer
   */
  constructor(device: GPUDevice, counts: Counting, limit: number, part: number) {
    this.#device = device;
    this.#counts = counts;
    this.#limit = limit;
    this.part = part;
  }

  get use(): MemoryUse {
    return { used: this.#used, most: this.#most, limit: this.#limit };
  }

  /** Whether a block of so many bytes more is over the limit, with all that is in use. */
  isFull(bytes: number): boolean {
    return this.#used + this.#sizeOf(bytes) > this.#limit;
  }

  /** What a block of so many bytes takes. */
  #sizeOf(bytes: number): number {
    const whole = Math.floor(bytes / this.part) * this.part;
    return whole + Math.min(this.part, sizeClass(bytes - whole));
  }

  /** The same with all that is kept for later. */
  isCrowded(bytes: number): boolean {
    const all = this.#used + this.#idleBytes + this.#sizeOf(bytes);
    return this.#idleBytes > 0 && all > this.#limit;
  }

  /**
   * Buffers of at least so many bytes together.
   *
   * @param before their last batch must be before this one: for writes that do not wait for commands
   * @throws InputError `webgpu/out-of-memory`
   */
  take(bytes: number, before: number = Number.POSITIVE_INFINITY): Block {
    const parts: Part[] = [];
    try {
      for (let left = Math.max(1, bytes); left > 0; left -= this.part)
        parts.push(this.#take(Math.min(left, this.part), before));
    } catch (error) {
      this.give(parts);
      throw error;
    }
    return parts;
  }

  #take(bytes: number, before: number): Part {
    const size = Math.min(sizeClass(bytes), this.part);
    if (this.#used + size > this.#limit) {
      throw new InputError({
        code: "webgpu/out-of-memory",
        message: `The webgpu engine needs ${size} more bytes, with ${this.#used} of ${this.#limit} in use.`,
        remedy: "Free tensors, use a smaller model or input, or pass a larger limit.",
        details: { needed: size, used: this.#used, limit: this.#limit },
      });
    }
    const idle = this.#idle.get(size) ?? [];
    const at = idle.findLastIndex(({ batch }) => batch < before);
    const part = at < 0 ? this.#make(size) : (idle.splice(at, 1)[0] as Part); // found
    if (at >= 0) this.#idleBytes -= size;
    this.#used += size;
    this.#most = Math.max(this.#most, this.#used);
    return part;
  }

  give(block: Block): void {
    for (const part of block) {
      const idle = this.#idle.get(part.size);
      if (idle === undefined) this.#idle.set(part.size, [part]);
      else idle.push(part);
      this.#used -= part.size;
      this.#idleBytes += part.size;
    }
  }

  /**
   * Gives buffers back to the device that nothing needs, where they are many. No commands wait that use them.
   *
   * @param room bytes that are taken next, for which there must be place
   */
  trim(room = 0): void {
    for (const parts of this.#idle.values()) {
      while (parts.length > 0 && (this.#idleBytes > IDLE || this.isCrowded(room)))
        this.#destroy(parts);
    }
  }

  /** Gives all buffers back that nothing needs. */
  empty(): void {
    for (const parts of this.#idle.values()) while (parts.length > 0) this.#destroy(parts);
  }

  #destroy(parts: Part[]): void {
    const part = parts.shift();
    if (part === undefined) return;
    part.buffer.destroy();
    this.#idleBytes -= part.size;
  }

  #make(size: number): Part {
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
