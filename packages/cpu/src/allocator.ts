import { InputError, InternalError } from "@resolvent/tensor";

/** Blocks start at multiples of a cache line, so that no two threads write to one. */
const ALIGNMENT = 64;

/** Bytes in use now, the most that were in use at once, and the most there may be. */
export interface MemoryUse {
  readonly used: number;
  readonly peak: number;
  readonly limit: number;
}

interface Gap {
  start: number;
  size: number;
}

/** Hands out parts of a growing range of addresses: best fit, neighbours joined when freed. */
export class Allocator {
  readonly #limit: number;
  readonly #grow: (end: number) => number;
  readonly #begin: number;
  /** Free ranges by address; none touches the next. */
  readonly #gaps: Gap[] = [];
  #end: number;
  #used = 0;
  #peak = 0;

  /**
   * @param begin first address handed out
   * @param limit no address at or above this one is handed out
   * @param grow makes at least the addresses below `end` usable and returns where they end now;
   *   a smaller number says that it could not
   */
  constructor(begin: number, limit: number, grow: (end: number) => number) {
    this.#begin = begin;
    this.#end = begin;
    this.#limit = limit;
    this.#grow = grow;
  }

  get use(): MemoryUse {
    return { used: this.#used, peak: this.#peak, limit: this.#limit };
  }

  /** What a request of so many bytes really takes. */
  static rounded(size: number): number {
    return Math.max(ALIGNMENT, Math.ceil(size / ALIGNMENT) * ALIGNMENT);
  }

  /**
   * The first address of `size` free bytes.
   * @throws InputError `cpu/out-of-memory`
   */
  allocate(size: number): number {
    const wanted = Allocator.rounded(size);
    const gap = this.#fitting(wanted) ?? this.#grown(wanted);
    const { start } = gap;
    if (gap.size === wanted) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    else {
      gap.start += wanted;
      gap.size -= wanted;
    }
    this.#used += wanted;
    this.#peak = Math.max(this.#peak, this.#used);
    return start;
  }

  /** Takes back what `allocate(size)` gave. */
  free(start: number, size: number): void {
    this.#release(start, Allocator.rounded(size));
    this.#used -= Allocator.rounded(size);
  }

  #fitting(wanted: number): Gap | undefined {
    let best: Gap | undefined;
    for (const gap of this.#gaps) {
      if (gap.size === wanted) return gap;
      if (gap.size > wanted && (best === undefined || gap.size < best.size)) best = gap;
    }
    return best;
  }

  #grown(wanted: number): Gap {
    const last = this.#gaps.at(-1);
    const tail = last !== undefined && last.start + last.size === this.#end ? last.size : 0;
    const needed = this.#end - tail + wanted;
    const end = needed <= this.#limit ? Math.min(this.#limit, this.#grow(needed)) : 0;
    if (end < needed) {
      throw new InputError({
        code: "cpu/out-of-memory",
        message: `The cpu engine needs ${wanted} more bytes, with ${this.#used} of ${this.#limit} in use.`,
        remedy:
          "Free tensors or compute inside scope(), use smaller batches, f32, or a larger limit.",
        details: { wanted, used: this.#used, limit: this.#limit },
      });
    }
    const old = this.#end;
    this.#end = end;
    this.#release(old, end - old);
    const gap = this.#gaps.at(-1);
    if (gap === undefined || gap.size < wanted) {
      throw new InternalError({
        code: "cpu/allocator",
        message: "Grown memory has no fitting gap.",
      });
    }
    return gap;
  }

  #release(start: number, size: number): void {
    const gaps = this.#gaps;
    let low = 0;
    let high = gaps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((gaps[middle] as Gap).start < start)
        low = middle + 1; // middle < length
      else high = middle;
    }
    const before = gaps[low - 1];
    const after = gaps[low];
    const inside = start >= this.#begin && start + size <= this.#end;
    if (
      !inside ||
      (before !== undefined && before.start + before.size > start) ||
      (after !== undefined && start + size > after.start)
    ) {
      throw new InternalError({
        code: "cpu/allocator",
        message: `Bytes ${start} to ${start + size} are freed but were not in use.`,
        details: { start, size },
      });
    }
    const joinsBefore = before !== undefined && before.start + before.size === start;
    const joinsAfter = after !== undefined && start + size === after.start;
    if (joinsBefore) {
      before.size += size + (joinsAfter ? after.size : 0);
      if (joinsAfter) gaps.splice(low, 1);
    } else if (joinsAfter) {
      after.start = start;
      after.size += size;
    } else gaps.splice(low, 0, { start, size });
  }
}
