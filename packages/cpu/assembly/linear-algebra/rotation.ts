// Plane rotations and 2 × 2 problems, as in LAPACK's dlartg, dlas2, dlasv2, dlaev2 and dlanv2: every result is
// accurate to a few units in its last place, also of tiny and huge entries.
import { EPS, hypot, SAFE_MIN, sign, ULP } from "./vector";

const ROOT_MIN: f64 = 1.4916681462400413e-154;
const ROOT_MAX: f64 = 4.7403759540545887e153;
const SAFE_MAX: f64 = 4.49423283715579e307;

/** Results of `rotate`: (c, s; −s, c)·(f, g) = (r, 0). */
export let c: f64 = 0;
export let s: f64 = 0;
export let r: f64 = 0;

export function rotate(f: f64, g: f64): void {
  if (g == 0) {
    c = 1;
    s = 0;
    r = f;
    return;
  }
  if (f == 0) {
    c = 0;
    s = sign(1, g);
    r = Math.abs(g);
    return;
  }
  const f1 = Math.abs(f), g1 = Math.abs(g);
  if (f1 > ROOT_MIN && f1 < ROOT_MAX && g1 > ROOT_MIN && g1 < ROOT_MAX) {
    const d = sqrt<f64>(f * f + g * g);
    c = f1 / d;
    r = sign(d, f);
    s = g / r;
    return;
  }
  const u = min(SAFE_MAX, max(SAFE_MIN, max(f1, g1)));
  const fs = f / u, gs = g / u;
  const d = sqrt<f64>(fs * fs + gs * gs);
  c = Math.abs(fs) / d;
  r = sign(d, f);
  s = gs / r;
  r *= u;
}

/** The smaller singular value of (f, g; 0, h). */
export function smallerSingularValue(f: f64, g: f64, h: f64): f64 {
  const fa = Math.abs(f), ga = Math.abs(g), ha = Math.abs(h);
  const least = min(fa, ha), most = max(fa, ha);
  if (least == 0) return 0;
  if (ga < most) {
    const as = 1 + least / most, at = (most - least) / most, au = (ga / most) * (ga / most);
    return least * (2 / (sqrt<f64>(as * as + au) + sqrt<f64>(at * at + au)));
  }
  const au = most / ga;
  if (au == 0) return (least * most) / ga;
  const as = (1 + least / most) * au, at = ((most - least) / most) * au;
  return least * (1 / (sqrt<f64>(1 + as * as) + sqrt<f64>(1 + at * at))) * au * 2;
}

/** Results of `svd2`: (cosLeft, sinLeft; −sinLeft, cosLeft)·(f, g; 0, h)·(cosRight, −sinRight; …) = diagonal. */
export let larger: f64 = 0;
export let smaller: f64 = 0;
export let cosLeft: f64 = 0;
export let sinLeft: f64 = 0;
export let cosRight: f64 = 0;
export let sinRight: f64 = 0;

export function svd2(f: f64, g: f64, h: f64): void {
  let ft = f, fa = Math.abs(f), ht = h, ha = Math.abs(h);
  const swap = ha > fa;
  if (swap) {
    ft = h;
    ht = f;
    const t = fa;
    fa = ha;
    ha = t;
  }
  let largestAt = swap ? 3 : 1;
  const gt = g, ga = Math.abs(g);
  let clt: f64 = 1, crt: f64 = 1, slt: f64 = 0, srt: f64 = 0, least = ha, most = fa;
  if (ga != 0) {
    let comparable = true;
    if (ga > fa) {
      largestAt = 2;
      if (fa / ga < EPS) {
        comparable = false;
        most = ga;
        least = ha > 1 ? fa / (ga / ha) : (fa / ga) * ha;
        clt = 1;
        slt = ht / gt;
        srt = 1;
        crt = ft / gt;
      }
    }
    if (comparable) {
      const d = fa - ha;
      let l = d == fa ? 1 : d / fa;
      const m = gt / ft;
      let t = 2 - l;
      const mm = m * m, tt = t * t;
      const root = sqrt<f64>(tt + mm);
      const other = l == 0 ? Math.abs(m) : sqrt<f64>(l * l + mm);
      const a = 0.5 * (root + other);
      least = ha / a;
      most = fa * a;
      if (mm == 0) t = l == 0 ? sign(2, ft) * sign(1, gt) : gt / sign(d, ft) + m / t;
      else t = (m / (root + t) + m / (other + l)) * (1 + a);
      l = sqrt<f64>(t * t + 4);
      crt = 2 / l;
      srt = t / l;
      clt = (crt + srt * m) / a;
      slt = ((ht / ft) * srt) / a;
    }
  }
  cosLeft = swap ? srt : clt;
  sinLeft = swap ? crt : slt;
  cosRight = swap ? slt : crt;
  sinRight = swap ? clt : srt;
  let direction: f64 = 0;
  if (largestAt == 1) direction = sign(1, cosRight) * sign(1, cosLeft) * sign(1, f);
  else if (largestAt == 2) direction = sign(1, sinRight) * sign(1, cosLeft) * sign(1, g);
  else direction = sign(1, sinRight) * sign(1, sinLeft) * sign(1, h);
  larger = sign(most, direction);
  smaller = sign(least, direction * sign(1, f) * sign(1, h));
}

/** Results of `symmetric2`: eigenvalues of (a, b; b, d), that of larger size first, with eigenvector (c, s). */
export let first: f64 = 0;
export let second: f64 = 0;

export function symmetric2(a: f64, b: f64, d: f64): void {
  const sum = a + d, difference = a - d, size = Math.abs(difference), tb = b + b, ab = Math.abs(tb);
  const most = Math.abs(a) > Math.abs(d) ? a : d, least = Math.abs(a) > Math.abs(d) ? d : a;
  let root = ab * Math.SQRT2;
  if (size > ab) root = size * sqrt<f64>(1 + (ab / size) * (ab / size));
  else if (size < ab) root = ab * sqrt<f64>(1 + (size / ab) * (size / ab));
  let same = true;
  if (sum < 0) {
    first = 0.5 * (sum - root);
    second = (most / first) * least - (b / first) * b;
    same = false;
  } else if (sum > 0) {
    first = 0.5 * (sum + root);
    second = (most / first) * least - (b / first) * b;
  } else {
    first = 0.5 * root;
    second = -0.5 * root;
  }
  const cs = difference >= 0 ? difference + root : difference - root;
  if (Math.abs(cs) > ab) {
    const ct = -tb / cs;
    s = 1 / sqrt<f64>(1 + ct * ct);
    c = ct * s;
  } else if (ab == 0) {
    c = 1;
    s = 0;
  } else {
    const tn = -cs / tb;
    c = 1 / sqrt<f64>(1 + tn * tn);
    s = tn * c;
  }
  if (same == difference >= 0) {
    const tn = c;
    c = -s;
    s = tn;
  }
}

/** Results of `general2`: eigenvalues of (a, b; c, d), re0 + i·im and re1 − i·im. */
export let re0: f64 = 0;
export let re1: f64 = 0;
export let im: f64 = 0;

export function general2(a: f64, b: f64, cc: f64, d: f64): void {
  im = 0;
  if (cc == 0 || b == 0) {
    re0 = b == 0 && cc != 0 ? d : a;
    re1 = b == 0 && cc != 0 ? a : d;
    return;
  }
  if (a - d == 0 && sign(1, b) != sign(1, cc)) {
    re0 = a;
    re1 = d;
    im = sqrt<f64>(Math.abs(b)) * sqrt<f64>(Math.abs(cc));
    return;
  }
  const temp = a - d;
  let p = 0.5 * temp;
  const bcMax = max(Math.abs(b), Math.abs(cc));
  const bcMin = min(Math.abs(b), Math.abs(cc)) * sign(1, b) * sign(1, cc);
  const size = max(Math.abs(p), bcMax);
  let z = (p / size) * p + (bcMax / size) * bcMin;
  if (z >= 4 * ULP) {
    // Real, well apart. (The limit is LAPACK's, meant for entries of size 1; below it both ways are accurate.)
    z = p + sign(sqrt<f64>(size) * sqrt<f64>(z), p);
    re0 = d + z;
    re1 = d - (bcMax / z) * bcMin;
    return;
  }
  // Complex, or real and nearly equal: make the diagonal entries equal.
  const sigma = b + cc;
  p = 0.5 * temp;
  const length = hypot(sigma, temp);
  const cs = sqrt<f64>(0.5 * (1 + Math.abs(sigma) / length));
  const sn = -(p / (length * cs)) * sign(1, sigma);
  const aa = a * cs + b * sn, bb = -a * sn + b * cs, ca = cc * cs + d * sn, dd = -cc * sn + d * cs;
  const a2 = aa * cs + ca * sn, b2 = bb * cs + dd * sn, c2 = -aa * sn + ca * cs, d2 = -bb * sn + dd * cs;
  const middle = 0.5 * (a2 + d2);
  re0 = middle;
  re1 = middle;
  if (c2 == 0 || b2 == 0) return;
  const product = sqrt<f64>(Math.abs(b2)) * sqrt<f64>(Math.abs(c2));
  if (sign(1, b2) == sign(1, c2)) {
    const apart = sign(product, c2);
    re0 = middle + apart;
    re1 = middle - apart;
  } else {
    im = product;
  }
}
