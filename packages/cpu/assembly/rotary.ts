// Rotary position embedding: turns pairs of entries along one axis by the angle of their position.
import { bytes, lanes } from "./lanes";

/**
 * Arguments, in the order src/rotary.ts writes them. `a` and `out` have the same layout, four outer axes of
 * which `second` counts positions, and the turned axis with step `step`.
 */
@unmanaged
class Rotary {
  out: usize;
  a: usize;
  cos: usize;
  sin: usize;
  length: i32;
  step: i32;
  pairs: i32;
  adjacent: i32;
  transposed: i32;
  start: i32;
  positions: i32;
  positionStep: i32;
  size1: i32;
  step1: i32;
  size2: i32;
  step2: i32;
  step3: i32;
}

/** Lines `from ≤ line < to`, counted over axis 3, then 2, then 1, then positions. */
export function rotary<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Rotary>(args);
  for (let line = from; line < to; line++) {
    let rest = line;
    const position = rest % job.positions;
    rest /= job.positions;
    let place = position * job.positionStep;
    place += (rest % job.size1) * job.step1;
    rest /= job.size1;
    place += (rest % job.size2) * job.step2;
    place += (rest / job.size2) * job.step3;
    const table = bytes<T>((job.start + position) * job.pairs);
    turn<T>(
      job,
      job.out + bytes<T>(place),
      job.a + bytes<T>(place),
      job.cos + table,
      job.sin + table,
    );
  }
}

function turn<T>(job: Rotary, out: usize, a: usize, cos: usize, sin: usize): void {
  const step = bytes<T>(job.step);
  const pairs = job.pairs;
  const sign = v128.splat<T>(<T>(job.transposed != 0 ? -1 : 1));
  const apart = job.adjacent != 0 ? step : step * pairs;
  const next = job.adjacent != 0 ? 2 * step : step;
  let i = 0;
  let at: usize = 0;
  if (next == sizeof<T>()) {
    for (; i + lanes<T>() <= pairs; i += lanes<T>()) {
      const x = v128.load(a + at),
        y = v128.load(a + at + apart);
      const c = v128.load(cos + at),
        s = v128.mul<T>(sign, v128.load(sin + at));
      v128.store(out + at, v128.sub<T>(v128.mul<T>(c, x), v128.mul<T>(s, y)));
      v128.store(out + at + apart, v128.add<T>(v128.mul<T>(s, x), v128.mul<T>(c, y)));
      at += 16;
    }
  }
  for (; i < pairs; i++) {
    const x = load<T>(a + at),
      y = load<T>(a + at + apart);
    const c = load<T>(cos + bytes<T>(i));
    const s = <T>(v128.extract_lane<T>(sign, 0) * load<T>(sin + bytes<T>(i)));
    store<T>(out + at, <T>(c * x - s * y));
    store<T>(out + at + apart, <T>(s * x + c * y));
    at += next;
  }
  // What the table does not turn passes through.
  at = step * (2 * pairs);
  for (let p = 2 * pairs; p < job.length; p++) {
    store<T>(out + at, load<T>(a + at));
    at += step;
  }
}
