// A norm along a contiguous axis in one pass: the operations of center, rms and the products after them, in their order,
// so that the bits are the same.
import { bytes, lanes, loadSome, storeSome } from "./lanes";
import { affineLine, sumLine } from "./rows";

/** Arguments, in the order src/norm.ts writes them; eps is the first float. */
@unmanaged
class Norm {
  out: usize;
  a: usize;
  length: i32;
  centred: i32;
  /** Where denominators go, one a row; 0 where factors are given. */
  sigma: usize;
  /** What the normed numbers are multiplied with, or the factors: line `r % period` for row `r`; 0 where there is none. */
  scale: usize;
  period: i32;
  /** Added at the end; 0 where there is none. */
  bias: usize;
}

@inline
function vector<T>(x: v128, f: v128, bias: v128, adds: bool): v128 {
  x = v128.mul<T>(x, f);
  return adds ? v128.add<T>(x, bias) : x;
}

/** out = (a + shift)·(inverse·scale) + bias, each only where it is asked for. */
@inline
function line<T>(
  out: usize, a: usize, n: i32, shifts: bool, shift: T, inverts: bool, inverse: T, scale: usize, bias: usize,
): void {
  const whole = bytes<T>(n & -lanes<T>());
  const left = n & (lanes<T>() - 1);
  const m = v128.splat<T>(shift), i = v128.splat<T>(inverse);
  let p: usize = 0;
  for (; p < whole; p += 16) {
    let x = v128.load(a + p);
    if (shifts) x = v128.add<T>(x, m);
    let f = i;
    if (scale != 0) {
      f = v128.load(scale + p);
      if (inverts) f = v128.mul<T>(i, f);
    }
    v128.store(out + p, vector<T>(x, f, bias != 0 ? v128.load(bias + p) : m, bias != 0));
  }
  if (left > 0) {
    let x = loadSome<T>(a + p, left);
    if (shifts) x = v128.add<T>(x, m);
    let f = i;
    if (scale != 0) {
      f = loadSome<T>(scale + p, left);
      if (inverts) f = v128.mul<T>(i, f);
    }
    storeSome<T>(out + p, vector<T>(x, f, bias != 0 ? loadSome<T>(bias + p, left) : m, bias != 0), left);
  }
}

/** Rows `from ≤ row < to`. */
export function norm<T>(args: usize, floats: usize, from: i32, to: i32): void {
  const job = changetype<Norm>(args);
  const n = job.length;
  for (let row = from; row < to; row++) {
    const out = job.out + bytes<T>(n) * row;
    let a = job.a + bytes<T>(n) * row;
    const scale = job.scale == 0 ? 0 : job.scale + bytes<T>(row % job.period) * n;
    const shift = job.centred != 0 ? <T>(-sumLine<T>(a, n, false) / n) : <T>0;
    if (job.sigma == 0) {
      line<T>(out, a, n, job.centred != 0, shift, false, <T>1, scale, job.bias);
      continue;
    }
    if (job.centred != 0) {
      affineLine<T>(out, a, n, <T>1, shift);
      a = out;
    }
    const sigma = <T>sqrt<f64>(sumLine<T>(a, n, true) / n + load<f64>(floats));
    store<T>(job.sigma + bytes<T>(row), sigma);
    line<T>(out, a, n, false, <T>0, true, <T>(<T>1 / sigma), scale, job.bias);
  }
}
