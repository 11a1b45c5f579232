// Copies with any steps on both sides: arrange, slice, concat, broadcast; and rows by index.
import { bytes } from "./lanes";
import { Walk } from "./walk";

/** Arguments, in the order src/copy.ts writes them. The walk's first side is the target, its second the source. */
@unmanaged
class Copy {
  out: usize;
  a: usize;
  walk: Walk;
}

/** Lines `from ≤ row < to`. */
export function copy<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Copy>(args);
  const walk = changetype<Walk>(args + offsetof<Copy>("walk"));
  const toStep = bytes<T>(walk.firstStep);
  const fromStep = bytes<T>(walk.secondStep);
  for (let row = from; row < to; row++) {
    let target = job.out + bytes<T>(walk.first(row));
    let source = job.a + bytes<T>(walk.second(row));
    if (toStep == sizeof<T>() && fromStep == sizeof<T>()) {
      memory.copy(target, source, bytes<T>(walk.inner));
      continue;
    }
    for (let i = 0; i < walk.inner; i++) {
      store<T>(target, load<T>(source));
      target += toStep;
      source += fromStep;
    }
  }
}

/** Arguments, in the order src/copy.ts writes them. */
@unmanaged
class Transpose {
  out: usize;
  a: usize;
  /** Of the source: lines, numbers in a line, and from one line to the next, in numbers. */
  rows: i32;
  columns: i32;
  rowStep: i32;
  /** In the target, from one line (a column of the source) to the next. */
  outStep: i32;
  walk: Walk;
}

const SIDE: i32 = 32;

/** Transposes, in squares that fit the cache: `from ≤ strip < to` counts strips of 32 source columns. */
export function transpose<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Transpose>(args);
  const walk = changetype<Walk>(args + offsetof<Transpose>("walk"));
  const strips = (job.columns + SIDE - 1) / SIDE;
  for (let strip = from; strip < to; strip++) {
    const matrix = strip / strips;
    const column = (strip - matrix * strips) * SIDE;
    const columns = min(SIDE, job.columns - column);
    const out = job.out + bytes<T>(walk.first(matrix) + column * job.outStep);
    const a = job.a + bytes<T>(walk.second(matrix) + column);
    for (let row = 0; row < job.rows; row += SIDE) {
      square<T>(
        out + bytes<T>(row),
        bytes<T>(job.outStep),
        a + bytes<T>(row) * job.rowStep,
        bytes<T>(job.rowStep),
        min(SIDE, job.rows - row),
        columns,
      );
    }
  }
}

function square<T>(
  out: usize,
  outStep: usize,
  a: usize,
  step: usize,
  rows: i32,
  columns: i32,
): void {
  for (let j = 0; j < columns; j++) {
    let target = out;
    let source = a + bytes<T>(j);
    for (let i = 0; i < rows; i++) {
      store<T>(target, load<T>(source));
      target += sizeof<T>();
      source += step;
    }
    out += outStep;
  }
}

/** Arguments, in the order src/copy.ts writes them: `a` is [outer, size, inner], ids index the middle. */
@unmanaged
class Rows {
  out: usize;
  a: usize;
  ids: usize;
  count: i32;
  size: i32;
  inner: i32;
}

/** out[o, j, ·] = a[o, ids[j], ·] for rows `from ≤ o·count + j < to`. */
export function take<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Rows>(args);
  const width = bytes<T>(job.inner);
  let target = job.out + width * from;
  for (let row = from; row < to; row++) {
    const outer = row / job.count;
    const id = load<i32>(job.ids + ((<usize>(row - outer * job.count)) << 2));
    const source = job.a + width * (outer * job.size + id);
    if (job.inner == 1) store<T>(target, load<T>(source));
    else memory.copy(target, source, width);
    target += width;
  }
}

/** out[o, ids[j], ·] += a[o, j, ·], by outer index, so that no two threads add to one place. */
export function put<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Rows>(args);
  const width = bytes<T>(job.inner);
  for (let outer = from; outer < to; outer++) {
    const out = job.out + width * (outer * job.size);
    memory.fill(out, 0, width * job.size);
    let source = job.a + width * (outer * job.count);
    for (let j = 0; j < job.count; j++) {
      let target = out + width * load<i32>(job.ids + ((<usize>j) << 2));
      const end = source + width;
      for (; source + 16 <= end; source += 16) {
        v128.store(target, v128.add<T>(v128.load(target), v128.load(source)));
        target += 16;
      }
      for (; source < end; source += sizeof<T>()) {
        store<T>(target, <T>(load<T>(target) + load<T>(source)));
        target += sizeof<T>();
      }
    }
  }
}

@unmanaged
class Fill {
  out: usize;
}

export function fill<T>(args: usize, floats: usize, from: i32, to: i32): void {
  const out = changetype<Fill>(args).out;
  const value = <T>load<f64>(floats);
  const end = out + bytes<T>(to);
  let at = out + bytes<T>(from);
  const v = v128.splat<T>(value);
  for (; at + 16 <= end; at += 16) v128.store(at, v);
  for (; at < end; at += sizeof<T>()) store<T>(at, value);
}
