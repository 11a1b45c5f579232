// Element-wise operations of one tensor, and of two with broadcasting.
import { exp, geluGate, log, sigmoidOfMinus } from "./functions";
import { bytes, lanes, loadSome, madd, storeSome } from "./lanes";
import { Walk } from "./walk";

/** Arguments, in the order src/map.ts writes them; the factor of `scale` is the first float. */
@unmanaged
class Map {
  out: usize;
  a: usize;
  what: i32;
}

// The values of `what`; also written in src/kernels.ts.
const SCALE = 0, EXP = 1, LOG = 2, SQRT = 3;
const RELU = 4, GELU = 5, GELU_TANH = 6, QUICK_GELU = 7, SILU = 8;

/** One function of a vector; the kinds of gates are also used in finish.ts. */
@inline
export function applied<T>(what: i32, x: v128, factor: v128): v128 {
  if (what == EXP) return exp<T>(x);
  if (what == LOG) return log<T>(x);
  if (what == SQRT) return v128.sqrt<T>(x);
  if (what == RELU) return v128.and(v128.gt<T>(x, v128.splat<T>(<T>0)), v128.splat<T>(<T>1));
  if (what == GELU) return geluGate<T>(x);
  if (what == GELU_TANH) {
    // ½(1 + tanh u) = σ(2u), u = √(2/π)(x + 0.044715 x³)
    const square = v128.mul<T>(x, x);
    const linear = v128.splat<T>(<T>-1.5957691216057308);
    const cubic = v128.splat<T>(<T>(-1.5957691216057308 * 0.044715));
    return sigmoidOfMinus<T>(v128.mul<T>(x, madd<T>(square, cubic, linear)));
  }
  if (what == QUICK_GELU) return sigmoidOfMinus<T>(v128.mul<T>(x, v128.splat<T>(<T>-1.702)));
  if (what == SILU) return sigmoidOfMinus<T>(v128.neg<T>(x));
  return v128.mul<T>(x, factor);
}

@inline
function loop<T>(what: i32, out: usize, a: usize, n: i32, factor: v128): void {
  const whole = bytes<T>(n & -lanes<T>());
  let p: usize = 0;
  for (; p < whole; p += 16) v128.store(out + p, applied<T>(what, v128.load(a + p), factor));
  const left = n & (lanes<T>() - 1);
  if (left > 0) storeSome<T>(out + p, applied<T>(what, loadSome<T>(a + p, left), factor), left);
}

/** Entries `from ≤ i < to`. */
export function map<T>(args: usize, floats: usize, from: i32, to: i32): void {
  const job = changetype<Map>(args);
  const out = job.out + bytes<T>(from);
  const a = job.a + bytes<T>(from);
  const n = to - from;
  const factor = v128.splat<T>(<T>load<f64>(floats));
  switch (job.what) {
    case SCALE: return loop<T>(SCALE, out, a, n, factor);
    case EXP: return loop<T>(EXP, out, a, n, factor);
    case LOG: return loop<T>(LOG, out, a, n, factor);
    case SQRT: return loop<T>(SQRT, out, a, n, factor);
    case RELU: return loop<T>(RELU, out, a, n, factor);
    case GELU: return loop<T>(GELU, out, a, n, factor);
    case GELU_TANH: return loop<T>(GELU_TANH, out, a, n, factor);
    case QUICK_GELU: return loop<T>(QUICK_GELU, out, a, n, factor);
    default: return loop<T>(SILU, out, a, n, factor);
  }
}

/** Arguments, in the order src/map.ts writes them. `out` is contiguous; the walk gives the places in a and b. */
@unmanaged
class Zip {
  out: usize;
  a: usize;
  b: usize;
  what: i32;
  walk: Walk;
}

const ADD = 0, SUB = 1, MUL = 2;

@inline
function combined<T>(what: i32, x: v128, y: v128): v128 {
  if (what == ADD) return v128.add<T>(x, y);
  if (what == SUB) return v128.sub<T>(x, y);
  if (what == MUL) return v128.mul<T>(x, y);
  return v128.div<T>(x, y);
}

/** One line; the steps are 0 (one number throughout), 1, or anything. */
@inline
function line<T>(what: i32, out: usize, a: usize, stepA: i32, b: usize, stepB: i32, n: i32): void {
  let p: usize = 0;
  if ((stepA | stepB) >>> 1 == 0) {
    const whole = bytes<T>(n & -lanes<T>());
    const left = n & (lanes<T>() - 1);
    if (stepA == 1 && stepB == 1) {
      for (; p < whole; p += 16) {
        v128.store(out + p, combined<T>(what, v128.load(a + p), v128.load(b + p)));
      }
    } else if (stepA == 1) {
      const y = v128.load_splat<T>(b);
      for (; p < whole; p += 16) v128.store(out + p, combined<T>(what, v128.load(a + p), y));
    } else if (stepB == 1) {
      const x = v128.load_splat<T>(a);
      for (; p < whole; p += 16) v128.store(out + p, combined<T>(what, x, v128.load(b + p)));
    } else {
      const z = combined<T>(what, v128.load_splat<T>(a), v128.load_splat<T>(b));
      for (; p < whole; p += 16) v128.store(out + p, z);
    }
    if (left > 0) {
      const x = stepA == 1 ? loadSome<T>(a + p, left) : v128.load_splat<T>(a);
      const y = stepB == 1 ? loadSome<T>(b + p, left) : v128.load_splat<T>(b);
      storeSome<T>(out + p, combined<T>(what, x, y), left);
    }
    return;
  }
  const end = bytes<T>(n);
  for (; p < end; p += sizeof<T>()) {
    const z = combined<T>(what, v128.load_splat<T>(a), v128.load_splat<T>(b));
    store<T>(out + p, v128.extract_lane<T>(z, 0));
    a += bytes<T>(stepA);
    b += bytes<T>(stepB);
  }
}

@inline
function lines<T>(what: i32, job: Zip, walk: Walk, from: i32, to: i32): void {
  let i = from;
  while (i < to) {
    const row = i / walk.inner;
    const column = i - row * walk.inner;
    const n = min(walk.inner - column, to - i);
    line<T>(
      what,
      job.out + bytes<T>(i),
      job.a + bytes<T>(walk.first(row) + column * walk.firstStep), walk.firstStep,
      job.b + bytes<T>(walk.second(row) + column * walk.secondStep), walk.secondStep,
      n,
    );
    i += n;
  }
}

/** Entries `from ≤ i < to` of the result. */
export function zip<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Zip>(args);
  const walk = changetype<Walk>(args + offsetof<Zip>("walk"));
  switch (job.what) {
    case ADD: return lines<T>(ADD, job, walk, from, to);
    case SUB: return lines<T>(SUB, job, walk, from, to);
    case MUL: return lines<T>(MUL, job, walk, from, to);
    default: return lines<T>(3, job, walk, from, to);
  }
}
