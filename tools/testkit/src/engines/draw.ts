import {
  drawing,
  type Ids,
  type RotaryTable,
  type Shape,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";

/** Random choices from a seed, so that a failure can be repeated. */
export class Draw {
  /** In [0, 1). */
  readonly next: () => number;
  constructor(seed: number) {
    this.next = drawing(seed);
  }
  /** `from ≤ n ≤ to` */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }
  of<V>(values: readonly V[]): V {
    return values[this.whole(0, values.length - 1)] as V; // within the length
  }
  shuffled<V>(values: readonly V[]): V[] {
    const result = [...values];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [result[i], result[j]] = [result[j] as V, result[i] as V]; // within the length
    }
    return result;
  }
  some<V>(values: readonly V[]): V[] {
    return this.shuffled(values).slice(0, this.whole(0, values.length));
  }
  /** Mostly small and odd, now and then past the width of every tile. */
  size(): number {
    return this.next() < 0.15 ? this.whole(17, 70) : this.whole(1, 6);
  }
  /** The sizes of up to `count` axes named by `prefix`, with at most `most` entries. */
  axes(prefix: string, count: number, most = 2000): Shape {
    const names = Array.from({ length: this.whole(0, count) }, (_, i) => `${prefix}${i}`);
    let entries = 1;
    return Object.fromEntries(
      names.map((name) => {
        const size = Math.max(1, Math.min(this.size(), Math.floor(most / entries)));
        entries *= size;
        return [name, size];
      }),
    );
  }
  /** The same sizes in another memory order. */
  order(shape: Shape): Shape {
    return Object.fromEntries(this.shuffled(Object.entries(shape)));
  }
  /** Numbers that f32 holds exactly. */
  tensor(shape: Shape, value: () => number = () => 4 * this.next() - 2): Tensor {
    return {
      shape,
      data: Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(value())),
    };
  }
  ids(shape: Shape, size: number): Ids {
    return {
      shape,
      data: Int32Array.from({ length: sizeOf(shape) }, () => this.whole(0, size - 1)),
    };
  }
  table(positions: number, pairs: number): RotaryTable {
    const angles = Float64Array.from({ length: positions * pairs }, () => 7 * this.next());
    return {
      positions,
      pairs,
      cos: angles.map((x) => Math.fround(Math.cos(x))),
      sin: angles.map((x) => Math.fround(Math.sin(x))),
      pairing: this.of(["half", "adjacent"] as const),
    };
  }
}
