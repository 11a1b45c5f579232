// One step of Adam in one pass. Each operation is rounded as those of assembly/map.ts are, so that the numbers are the
// same to the last bit as those of the primitives one by one.
import { bytes, lanes, loadSome, storeSome } from "./lanes";

/** Arguments, in the order src/adam.ts writes them. */
@unmanaged
class Adam {
  first: usize;
  second: usize;
  move: usize;
  gradient: usize;
  oldFirst: usize;
  oldSecond: usize;
  /** Six numbers of 64 bits. */
  factors: usize;
}

/** Entries `from ≤ i < to`. */
export function adam<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Adam>(args);
  const keepFirst = factor<T>(job, 0), addFirst = factor<T>(job, 1);
  const keepSecond = factor<T>(job, 2), addSecond = factor<T>(job, 3);
  const rate = factor<T>(job, 4), eps = factor<T>(job, 5);
  const end = bytes<T>(to);
  for (let p = bytes<T>(from); p < end; p += 16) {
    const left = <i32>((end - p) / sizeof<T>());
    const some = left < lanes<T>();
    const g = read<T>(job.gradient + p, left);
    const first = v128.add<T>(
      v128.mul<T>(read<T>(job.oldFirst + p, left), keepFirst),
      v128.mul<T>(g, addFirst),
    );
    const second = v128.add<T>(
      v128.mul<T>(read<T>(job.oldSecond + p, left), keepSecond),
      v128.mul<T>(v128.mul<T>(g, g), addSecond),
    );
    const move = v128.div<T>(v128.mul<T>(first, rate), v128.add<T>(v128.sqrt<T>(second), eps));
    if (some) {
      storeSome<T>(job.first + p, first, left);
      storeSome<T>(job.second + p, second, left);
      storeSome<T>(job.move + p, move, left);
    } else {
      v128.store(job.first + p, first);
      v128.store(job.second + p, second);
      v128.store(job.move + p, move);
    }
  }
}

@inline
function factor<T>(job: Adam, i: i32): v128 {
  return v128.splat<T>(<T>load<f64>(job.factors + ((<usize>i) << 3)));
}

@inline
function read<T>(from: usize, left: i32): v128 {
  return left < lanes<T>() ? loadSome<T>(from, left) : v128.load(from);
}
