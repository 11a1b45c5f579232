// Singular values of a bidiagonal matrix by the implicit QR iteration of Demmel and Kahan (1990), as in LAPACK's
// dbdsqr: where a shift would spoil small singular values it is zero, so that all are found to high relative
// accuracy. Golub and Kahan's shifted step otherwise.
import { c, cosLeft, cosRight, larger, r, rotate, s, sinLeft, sinRight, smaller, smallerSingularValue, svd2 } from "./rotation";
import { applySweeps, beginSequence, recording, recordLeft, recordRight } from "./sweeps";
import { EPS, SAFE_MIN, sign } from "./vector";

/** The tolerance for neglecting an entry: `min(100, EPS^(−1/8))·EPS`, as in LAPACK. */
const TOLERANCE: f64 = 98.70149282610239 * EPS;

/** Passes over an entry, per entry, on average, at most. */
const MOST_PASSES: f64 = 6;

/** Windows that one pass over the matrix looks at. */
let low: i32 = 0;
let high: i32 = 0;
let least: f64 = 0;

@inline
function get(x: usize, i: i32): f64 {
  return load<f64>(x + (<usize>i << 3));
}

@inline
function set(x: usize, i: i32, value: f64): void {
  store<f64>(x + (<usize>i << 3), value);
}

/** Takes (d, e) to a diagonal matrix; `d` may hold negative numbers then. False where it does not converge. */
export function bidiagonalQr(n: i32, d: usize, e: usize): bool {
  const threshold = neglectable(n, d, e);
  let passes: f64 = 0;
  const limit = MOST_PASSES * <f64>n * <f64>n;
  let oldLow = -1, oldHigh = -1, downwards = true;
  high = n - 1;
  while (high > 0) {
    if (passes > limit) return false;
    // The window low … high in which no entry beside the diagonal is zero.
    let largest = Math.abs(get(d, high)), split = false;
    low = high - 1;
    for (; low >= 0; low--) {
      const beside = Math.abs(get(e, low));
      if (beside <= threshold) {
        set(e, low, 0);
        split = true;
        break;
      }
      largest = max(largest, max(Math.abs(get(d, low)), beside));
    }
    if (split && low == high - 1) {
      high--;
      continue;
    }
    low++;
    if (low == high - 1) {
      svd2(get(d, low), get(e, low), get(d, high));
      set(d, low, larger);
      set(e, low, 0);
      set(d, high, smaller);
      if (recording()) {
        beginSequence(low, 1, false);
        recordLeft(0, cosLeft, sinLeft);
        recordRight(0, cosRight, sinRight);
      }
      high -= 2;
      continue;
    }
    // In a new window, chase from the larger end to the smaller.
    if (low > oldHigh || high < oldLow) downwards = Math.abs(get(d, low)) >= Math.abs(get(d, high));
    if (downwards ? convergedDown(d, e) : convergedUp(d, e)) continue;
    oldLow = low;
    oldHigh = high;
    const shift = chooseShift(n, d, e, largest, downwards);
    passes += <f64>(high - low);
    beginSequence(low, high - low, !downwards);
    if (downwards) {
      if (shift == 0) zeroShiftDown(d, e);
      else shiftedDown(d, e, shift);
      if (Math.abs(get(e, high - 1)) <= threshold) set(e, high - 1, 0);
    } else {
      if (shift == 0) zeroShiftUp(d, e);
      else shiftedUp(d, e, shift);
      if (Math.abs(get(e, low)) <= threshold) set(e, low, 0);
    }
  }
  applySweeps();
  return true;
}

/** The size below which an entry beside the diagonal cannot change any singular value's leading digits. */
function neglectable(n: i32, d: usize, e: usize): f64 {
  let bound = Math.abs(get(d, 0));
  let mu = bound;
  for (let i = 1; i < n && bound != 0; i++) {
    mu = Math.abs(get(d, i)) * (mu / (mu + Math.abs(get(e, i - 1))));
    bound = min(bound, mu);
  }
  bound /= sqrt<f64>(<f64>n);
  return max(TOLERANCE * bound, MOST_PASSES * (<f64>n * (<f64>n * SAFE_MIN)));
}

/** Neglects what may be, for a chase towards `high`; whether something was. Sets `least`, a bound of the smallest value. */
function convergedDown(d: usize, e: usize): bool {
  if (Math.abs(get(e, high - 1)) <= TOLERANCE * Math.abs(get(d, high))) {
    set(e, high - 1, 0);
    return true;
  }
  let mu = Math.abs(get(d, low));
  least = mu;
  for (let i = low; i < high; i++) {
    const beside = Math.abs(get(e, i));
    if (beside <= TOLERANCE * mu) {
      set(e, i, 0);
      return true;
    }
    mu = Math.abs(get(d, i + 1)) * (mu / (mu + beside));
    least = min(least, mu);
  }
  return false;
}

function convergedUp(d: usize, e: usize): bool {
  if (Math.abs(get(e, low)) <= TOLERANCE * Math.abs(get(d, low))) {
    set(e, low, 0);
    return true;
  }
  let mu = Math.abs(get(d, high));
  least = mu;
  for (let i = high - 1; i >= low; i--) {
    const beside = Math.abs(get(e, i));
    if (beside <= TOLERANCE * mu) {
      set(e, i, 0);
      return true;
    }
    mu = Math.abs(get(d, i)) * (mu / (mu + beside));
    least = min(least, mu);
  }
  return false;
}

function chooseShift(n: i32, d: usize, e: usize, largest: f64, downwards: bool): f64 {
  if (<f64>n * TOLERANCE * (least / largest) <= max(EPS, 0.01 * TOLERANCE)) return 0;
  const start = Math.abs(get(d, downwards ? low : high));
  const shift = downwards
    ? smallerSingularValue(get(d, high - 1), get(e, high - 1), get(d, high))
    : smallerSingularValue(get(d, low), get(e, low), get(d, low + 1));
  return start > 0 && (shift / start) * (shift / start) < EPS ? 0 : shift;
}

function zeroShiftDown(d: usize, e: usize): void {
  let cs: f64 = 1, oldC: f64 = 1, sn: f64 = 0, oldS: f64 = 0;
  for (let i = low; i < high; i++) {
    rotate(get(d, i) * cs, get(e, i));
    cs = c;
    sn = s;
    if (i > low) set(e, i - 1, oldS * r);
    rotate(oldC * r, get(d, i + 1) * sn);
    oldC = c;
    oldS = s;
    set(d, i, r);
    if (recording()) {
      recordRight(i - low, cs, sn);
      recordLeft(i - low, oldC, oldS);
    }
  }
  const h = get(d, high) * cs;
  set(d, high, h * oldC);
  set(e, high - 1, h * oldS);
}

function zeroShiftUp(d: usize, e: usize): void {
  let cs: f64 = 1, oldC: f64 = 1, sn: f64 = 0, oldS: f64 = 0;
  for (let i = high; i > low; i--) {
    rotate(get(d, i) * cs, get(e, i - 1));
    cs = c;
    sn = s;
    if (i < high) set(e, i, oldS * r);
    rotate(oldC * r, get(d, i - 1) * sn);
    oldC = c;
    oldS = s;
    set(d, i, r);
    if (recording()) {
      recordLeft(i - low - 1, cs, -sn);
      recordRight(i - low - 1, oldC, -oldS);
    }
  }
  const h = get(d, low) * cs;
  set(d, low, h * oldC);
  set(e, low, h * oldS);
}

function shiftedDown(d: usize, e: usize, shift: f64): void {
  const first = get(d, low);
  let f = (Math.abs(first) - shift) * (sign(1, first) + shift / first), g = get(e, low);
  for (let i = low; i < high; i++) {
    rotate(f, g);
    const cr = c, sr = s;
    if (i > low) set(e, i - 1, r);
    const di = get(d, i), ei = get(e, i);
    f = cr * di + sr * ei;
    const beside = cr * ei - sr * di;
    g = sr * get(d, i + 1);
    const below = cr * get(d, i + 1);
    rotate(f, g);
    const cl = c, sl = s;
    set(d, i, r);
    f = cl * beside + sl * below;
    set(d, i + 1, cl * below - sl * beside);
    if (i < high - 1) {
      g = sl * get(e, i + 1);
      set(e, i + 1, cl * get(e, i + 1));
    }
    if (recording()) {
      recordRight(i - low, cr, sr);
      recordLeft(i - low, cl, sl);
    }
  }
  set(e, high - 1, f);
}

function shiftedUp(d: usize, e: usize, shift: f64): void {
  const last = get(d, high);
  let f = (Math.abs(last) - shift) * (sign(1, last) + shift / last), g = get(e, high - 1);
  for (let i = high; i > low; i--) {
    rotate(f, g);
    const cr = c, sr = s;
    if (i < high) set(e, i, r);
    const di = get(d, i), ei = get(e, i - 1);
    f = cr * di + sr * ei;
    const beside = cr * ei - sr * di;
    g = sr * get(d, i - 1);
    const above = cr * get(d, i - 1);
    rotate(f, g);
    const cl = c, sl = s;
    set(d, i, r);
    f = cl * beside + sl * above;
    set(d, i - 1, cl * above - sl * beside);
    if (i > low + 1) {
      g = sl * get(e, i - 2);
      set(e, i - 2, cl * get(e, i - 2));
    }
    if (recording()) {
      recordLeft(i - low - 1, cr, -sr);
      recordRight(i - low - 1, cl, -sl);
    }
  }
  set(e, low, f);
}
