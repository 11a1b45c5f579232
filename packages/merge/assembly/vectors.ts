// Float64 vectors of n entries, in the order of operations of src/methods: no product is fused with a sum, and sums of
// products go from the first entry to the last. Eight entries at a time where entries are independent.

// Each op takes the number of entries, and the index of the first in its tensor; then what its program says.

export function zeros(n: i32, first: f64, out: usize): void {
  memory.fill(out, 0, <usize>n << 3);
}

/** `f·x` */
export function scaled(n: i32, first: f64, out: usize, x: usize, f: f64): void {
  const factor = v128.splat<f64>(f);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    v128.store(out + at, v128.mul<f64>(factor, v128.load(x + at)));
  }
}

/** `out + f·x` */
export function addScaled(n: i32, first: f64, out: usize, x: usize, f: f64): void {
  const factor = v128.splat<f64>(f);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    const term = v128.mul<f64>(factor, v128.load(x + at));
    v128.store(out + at, v128.add<f64>(v128.load(out + at), term));
  }
}

/** `out / by` */
export function divided(n: i32, first: f64, out: usize, by: f64): void {
  const divisor = v128.splat<f64>(by);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    v128.store(out + at, v128.div<f64>(v128.load(out + at), divisor));
  }
}

/** `a − b` */
export function minus(n: i32, first: f64, out: usize, a: usize, b: usize): void {
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    v128.store(out + at, v128.sub<f64>(v128.load(a + at), v128.load(b + at)));
  }
}

/** `out + b` */
export function add(n: i32, first: f64, out: usize, b: usize): void {
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    v128.store(out + at, v128.add<f64>(v128.load(out + at), v128.load(b + at)));
  }
}

/** `base + lambda·(out / divisor)` */
export function onto(n: i32, first: f64, out: usize, base: usize, lambda: f64, divisor: f64): void {
  const factor = v128.splat<f64>(lambda);
  const by = v128.splat<f64>(divisor);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    const part = divisor == 1 ? v128.load(out + at) : v128.div<f64>(v128.load(out + at), by);
    v128.store(out + at, v128.add<f64>(v128.load(base + at), v128.mul<f64>(factor, part)));
  }
}

/** `w·x + (1−w)·base`, `w = t / max(|x − base|, least)` from 0 to 1 */
export function near(n: i32, first: f64, out: usize, base: usize, x: usize, t: f64, least: f64): void {
  const one = v128.splat<f64>(1);
  const zero = v128.splat<f64>(0);
  const top = v128.splat<f64>(t);
  const floor = v128.splat<f64>(least);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    const own = v128.load(base + at);
    const other = v128.load(x + at);
    const size = v128.max<f64>(v128.abs<f64>(v128.sub<f64>(other, own)), floor);
    const weight = v128.min<f64>(one, v128.max<f64>(zero, v128.div<f64>(top, size)));
    const rest = v128.mul<f64>(v128.sub<f64>(one, weight), own);
    v128.store(out + at, v128.add<f64>(v128.mul<f64>(weight, other), rest));
  }
}

/**
 * `base + lambda·(Σ d / Σ w)` over the vectors whose sign is that of their sum, zero counting as plus, or that of `by` where it
 * is given; `terms` are rows of the vectors' addresses and weights. The divisor is 1 where it is zero, or not wanted,
 * and at least `least`.
 */
export function elect(
  n: i32,
  first: f64,
  out: usize,
  base: usize,
  terms: usize,
  count: i32,
  normalize: i32,
  weighted: i32,
  lambda: f64,
  least: f64,
): void {
  const zero = v128.splat<f64>(0);
  const one = v128.splat<f64>(1);
  const factor = v128.splat<f64>(lambda);
  const floor = v128.splat<f64>(least);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    let all = zero;
    for (let k = 0; k < count; k++) {
      const x = <usize>load<u32>(terms + (<usize>k << 4));
      all = v128.add<f64>(all, v128.load(x + at));
    }
    const plus = v128.ge<f64>(all, zero);
    let sum = zero;
    let by = zero;
    for (let k = 0; k < count; k++) {
      const x = <usize>load<u32>(terms + (<usize>k << 4));
      const weight = v128.splat<f64>(load<f64>(terms + (<usize>k << 4), 8));
      const own = v128.load(x + at);
      const above = v128.and(plus, v128.gt<f64>(own, zero));
      const kept = v128.or(above, v128.andnot(v128.lt<f64>(own, zero), plus));
      const term = weighted != 0 ? v128.mul<f64>(own, weight) : own;
      sum = v128.add<f64>(sum, v128.and(kept, term));
      by = v128.add<f64>(by, v128.and(kept, weight));
    }
    if (normalize == 0) by = one;
    else if (least > 0) by = v128.max<f64>(by, floor);
    else by = v128.bitselect(one, by, v128.eq<f64>(by, zero));
    const part = v128.mul<f64>(factor, v128.div<f64>(sum, by));
    v128.store(out + at, v128.add<f64>(v128.load(base + at), part));
  }
}

/**
 * The population variance of `count` vectors at each entry, into `out`; adds how many are above zero to `varying`. Where all are
 * equal it is zero, whatever their mean is rounded to.
 */
export function variance(n: i32, first: f64, out: usize, vectors: usize, count: i32, varying: usize): void {
  const models = <f64>count;
  let above: f64 = 0;
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 3;
    let mean: f64 = 0;
    for (let k = 0; k < count; k++) mean += load<f64>(<usize>load<u32>(vectors + (<usize>k << 4)) + at);
    mean /= models;
    const one = load<f64>(<usize>load<u32>(vectors) + at);
    let total: f64 = 0;
    let differ = false;
    for (let k = 0; k < count; k++) {
      const own = load<f64>(<usize>load<u32>(vectors + (<usize>k << 4)) + at);
      const away = own - mean;
      total += away * away;
      if (own != one) differ = true;
    }
    total = differ ? total / models : 0;
    store<f64>(out + at, total);
    if (total > 0) above++;
  }
  store<f64>(varying, above);
}

/** `Σ a·b` */
export function product(n: i32, first: f64, a: usize, b: usize, into: usize): void {
  let sum: f64 = 0;
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 8) sum += load<f64>(a + at) * load<f64>(b + at);
  store<f64>(into, sum);
}

/** `Σ a·a`, `Σ a·b`, `Σ b·b`: three sums at once take as long as one. */
export function products(n: i32, first: f64, a: usize, b: usize, into: usize): void {
  let aa: f64 = 0;
  let ab: f64 = 0;
  let bb: f64 = 0;
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 8) {
    const x = load<f64>(a + at);
    const y = load<f64>(b + at);
    aa += x * x;
    ab += x * y;
    bb += y * y;
  }
  store<f64>(into, aa);
  store<f64>(into, ab, 8);
  store<f64>(into, bb, 16);
}

/**
 * `Σ a·b` of each of three vectors with each of three others, nine sums row by row: a sum waits for itself, so that nine take
 * hardly longer than one.
 */
export function ninefold(
  n: i32,
  first: f64,
  into: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
): void {
  let ad: f64 = 0;
  let ae: f64 = 0;
  let af: f64 = 0;
  let bd: f64 = 0;
  let be: f64 = 0;
  let bf: f64 = 0;
  let cd: f64 = 0;
  let ce: f64 = 0;
  let cf: f64 = 0;
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 8) {
    const x = load<f64>(a + at);
    const y = load<f64>(b + at);
    const z = load<f64>(c + at);
    const u = load<f64>(d + at);
    const v = load<f64>(e + at);
    const w = load<f64>(f + at);
    ad += x * u;
    ae += x * v;
    af += x * w;
    bd += y * u;
    be += y * v;
    bf += y * w;
    cd += z * u;
    ce += z * v;
    cf += z * w;
  }
  store<f64>(into, ad);
  store<f64>(into, ae, 8);
  store<f64>(into, af, 16);
  store<f64>(into, bd, 24);
  store<f64>(into, be, 32);
  store<f64>(into, bf, 40);
  store<f64>(into, cd, 48);
  store<f64>(into, ce, 56);
  store<f64>(into, cf, 64);
}

/** `Σ |x|` */
export function sizes(n: i32, first: f64, x: usize, into: usize): void {
  let sum: f64 = 0;
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 8) sum += abs<f64>(load<f64>(x + at));
  store<f64>(into, sum);
}

/** `base + (x − base)` where the importance is at least the threshold, else the base. */
export function fused(n: i32, first: f64, out: usize, base: usize, x: usize, importance: usize, threshold: f64): void {
  const least = v128.splat<f64>(threshold);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    const own = v128.load(base + at);
    const moved = v128.add<f64>(own, v128.sub<f64>(v128.load(x + at), own));
    const taken = v128.ge<f64>(v128.load(importance + at), least);
    v128.store(out + at, v128.bitselect(moved, own, taken));
  }
}

/** `r·(out / by) + (1 − r)·base`, r of each entry. */
export function mixed(n: i32, first: f64, out: usize, base: usize, ratios: usize, by: f64): void {
  const divisor = v128.splat<f64>(by);
  const one = v128.splat<f64>(1);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    const ratio = v128.load(ratios + at);
    const mean = v128.mul<f64>(ratio, v128.div<f64>(v128.load(out + at), divisor));
    const rest = v128.mul<f64>(v128.sub<f64>(one, ratio), v128.load(base + at));
    v128.store(out + at, v128.add<f64>(mean, rest));
  }
}
