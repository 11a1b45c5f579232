// Register tiles: C (+)= A·B for a few rows of A and a few vectors of B, both packed so that each step over
// k reads the next numbers. Which shape is fastest depends on the machine's registers and on the compiler, so
// several exist. All add the products of one k block in the same order, so they agree to the last bit.
// The loops are not unrolled over k: V8 then hoists the loads and spills.
import { bytes, lanes, madd, zero } from "./lanes";

/** Rows of each tile shape. */
@inline
export function tileRows(shape: i32): i32 {
  if (WIDE && shape == 3) return 6;
  return shape == 0 ? 2 : 4;
}

/** Columns of each tile shape. */
@inline
export function tileColumns<T>(shape: i32): i32 {
  return (shape == 1 ? 2 : 4) * lanes<T>();
}

@inline
function put<T>(c: usize, v: v128, accumulate: bool): void {
  v128.store(c, accumulate ? v128.add<T>(v128.load(c), v) : v);
}

/** 2 rows × 4 vectors. */
export function tile2x4<T>(k: i32, a: usize, b: usize, c0: usize, c1: usize, accumulate: bool): void {
  let s00 = zero<T>(), s01 = zero<T>(), s02 = zero<T>(), s03 = zero<T>();
  let s10 = zero<T>(), s11 = zero<T>(), s12 = zero<T>(), s13 = zero<T>();
  const end = b + (<usize>k << 6);
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const x0 = v128.load_splat<T>(a);
    s00 = madd<T>(x0, b0, s00);
    s01 = madd<T>(x0, b1, s01);
    s02 = madd<T>(x0, b2, s02);
    s03 = madd<T>(x0, b3, s03);
    const x1 = v128.load_splat<T>(a, sizeof<T>());
    s10 = madd<T>(x1, b0, s10);
    s11 = madd<T>(x1, b1, s11);
    s12 = madd<T>(x1, b2, s12);
    s13 = madd<T>(x1, b3, s13);
    a += bytes<T>(2);
    b += 64;
  } while (b < end);
  put<T>(c0, s00, accumulate);
  put<T>(c0 + 16, s01, accumulate);
  put<T>(c0 + 32, s02, accumulate);
  put<T>(c0 + 48, s03, accumulate);
  put<T>(c1, s10, accumulate);
  put<T>(c1 + 16, s11, accumulate);
  put<T>(c1 + 32, s12, accumulate);
  put<T>(c1 + 48, s13, accumulate);
}

/** 4 rows × 2 vectors. */
export function tile4x2<T>(
  k: i32, a: usize, b: usize, c0: usize, c1: usize, c2: usize, c3: usize, accumulate: bool,
): void {
  let s00 = zero<T>(), s01 = zero<T>(), s10 = zero<T>(), s11 = zero<T>();
  let s20 = zero<T>(), s21 = zero<T>(), s30 = zero<T>(), s31 = zero<T>();
  const end = b + (<usize>k << 5);
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    const x0 = v128.load_splat<T>(a);
    s00 = madd<T>(x0, b0, s00);
    s01 = madd<T>(x0, b1, s01);
    const x1 = v128.load_splat<T>(a, sizeof<T>());
    s10 = madd<T>(x1, b0, s10);
    s11 = madd<T>(x1, b1, s11);
    const x2 = v128.load_splat<T>(a, 2 * sizeof<T>());
    s20 = madd<T>(x2, b0, s20);
    s21 = madd<T>(x2, b1, s21);
    const x3 = v128.load_splat<T>(a, 3 * sizeof<T>());
    s30 = madd<T>(x3, b0, s30);
    s31 = madd<T>(x3, b1, s31);
    a += bytes<T>(4);
    b += 32;
  } while (b < end);
  put<T>(c0, s00, accumulate);
  put<T>(c0 + 16, s01, accumulate);
  put<T>(c1, s10, accumulate);
  put<T>(c1 + 16, s11, accumulate);
  put<T>(c2, s20, accumulate);
  put<T>(c2 + 16, s21, accumulate);
  put<T>(c3, s30, accumulate);
  put<T>(c3 + 16, s31, accumulate);
}

/** 4 rows × 4 vectors: for machines with 32 vector registers (ARM). */
export function tile4x4<T>(
  k: i32, a: usize, b: usize, c0: usize, c1: usize, c2: usize, c3: usize, accumulate: bool,
): void {
  let s00 = zero<T>(), s01 = zero<T>(), s02 = zero<T>(), s03 = zero<T>();
  let s10 = zero<T>(), s11 = zero<T>(), s12 = zero<T>(), s13 = zero<T>();
  let s20 = zero<T>(), s21 = zero<T>(), s22 = zero<T>(), s23 = zero<T>();
  let s30 = zero<T>(), s31 = zero<T>(), s32 = zero<T>(), s33 = zero<T>();
  const end = b + (<usize>k << 6);
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const x0 = v128.load_splat<T>(a);
    s00 = madd<T>(x0, b0, s00);
    s01 = madd<T>(x0, b1, s01);
    s02 = madd<T>(x0, b2, s02);
    s03 = madd<T>(x0, b3, s03);
    const x1 = v128.load_splat<T>(a, sizeof<T>());
    s10 = madd<T>(x1, b0, s10);
    s11 = madd<T>(x1, b1, s11);
    s12 = madd<T>(x1, b2, s12);
    s13 = madd<T>(x1, b3, s13);
    const x2 = v128.load_splat<T>(a, 2 * sizeof<T>());
    s20 = madd<T>(x2, b0, s20);
    s21 = madd<T>(x2, b1, s21);
    s22 = madd<T>(x2, b2, s22);
    s23 = madd<T>(x2, b3, s23);
    const x3 = v128.load_splat<T>(a, 3 * sizeof<T>());
    s30 = madd<T>(x3, b0, s30);
    s31 = madd<T>(x3, b1, s31);
    s32 = madd<T>(x3, b2, s32);
    s33 = madd<T>(x3, b3, s33);
    a += bytes<T>(4);
    b += 64;
  } while (b < end);
  put<T>(c0, s00, accumulate);
  put<T>(c0 + 16, s01, accumulate);
  put<T>(c0 + 32, s02, accumulate);
  put<T>(c0 + 48, s03, accumulate);
  put<T>(c1, s10, accumulate);
  put<T>(c1 + 16, s11, accumulate);
  put<T>(c1 + 32, s12, accumulate);
  put<T>(c1 + 48, s13, accumulate);
  put<T>(c2, s20, accumulate);
  put<T>(c2 + 16, s21, accumulate);
  put<T>(c2 + 32, s22, accumulate);
  put<T>(c2 + 48, s23, accumulate);
  put<T>(c3, s30, accumulate);
  put<T>(c3 + 16, s31, accumulate);
  put<T>(c3 + 32, s32, accumulate);
  put<T>(c3 + 48, s33, accumulate);
}

/**
 * 6 rows × 4 vectors: for V8's revectorizer, which makes one 256-bit operation of two neighbours. It starts from
 * pairs of stores with nothing between.
 */
export function tile6x4<T>(
  k: i32, a: usize, b: usize, c0: usize, c1: usize, c2: usize, c3: usize, c4: usize, c5: usize, accumulate: bool,
): void {
  let s00 = zero<T>(), s01 = zero<T>(), s02 = zero<T>(), s03 = zero<T>();
  let s10 = zero<T>(), s11 = zero<T>(), s12 = zero<T>(), s13 = zero<T>();
  let s20 = zero<T>(), s21 = zero<T>(), s22 = zero<T>(), s23 = zero<T>();
  let s30 = zero<T>(), s31 = zero<T>(), s32 = zero<T>(), s33 = zero<T>();
  let s40 = zero<T>(), s41 = zero<T>(), s42 = zero<T>(), s43 = zero<T>();
  let s50 = zero<T>(), s51 = zero<T>(), s52 = zero<T>(), s53 = zero<T>();
  const end = b + (<usize>k << 6);
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const x0 = v128.load_splat<T>(a);
    s00 = madd<T>(x0, b0, s00);
    s01 = madd<T>(x0, b1, s01);
    s02 = madd<T>(x0, b2, s02);
    s03 = madd<T>(x0, b3, s03);
    const x1 = v128.load_splat<T>(a, sizeof<T>());
    s10 = madd<T>(x1, b0, s10);
    s11 = madd<T>(x1, b1, s11);
    s12 = madd<T>(x1, b2, s12);
    s13 = madd<T>(x1, b3, s13);
    const x2 = v128.load_splat<T>(a, 2 * sizeof<T>());
    s20 = madd<T>(x2, b0, s20);
    s21 = madd<T>(x2, b1, s21);
    s22 = madd<T>(x2, b2, s22);
    s23 = madd<T>(x2, b3, s23);
    const x3 = v128.load_splat<T>(a, 3 * sizeof<T>());
    s30 = madd<T>(x3, b0, s30);
    s31 = madd<T>(x3, b1, s31);
    s32 = madd<T>(x3, b2, s32);
    s33 = madd<T>(x3, b3, s33);
    const x4 = v128.load_splat<T>(a, 4 * sizeof<T>());
    s40 = madd<T>(x4, b0, s40);
    s41 = madd<T>(x4, b1, s41);
    s42 = madd<T>(x4, b2, s42);
    s43 = madd<T>(x4, b3, s43);
    const x5 = v128.load_splat<T>(a, 5 * sizeof<T>());
    s50 = madd<T>(x5, b0, s50);
    s51 = madd<T>(x5, b1, s51);
    s52 = madd<T>(x5, b2, s52);
    s53 = madd<T>(x5, b3, s53);
    a += bytes<T>(6);
    b += 64;
  } while (b < end);
  if (accumulate) {
    addLine<T>(c0, s00, s01, s02, s03);
    addLine<T>(c1, s10, s11, s12, s13);
    addLine<T>(c2, s20, s21, s22, s23);
    addLine<T>(c3, s30, s31, s32, s33);
    addLine<T>(c4, s40, s41, s42, s43);
    addLine<T>(c5, s50, s51, s52, s53);
  } else {
    putLine(c0, s00, s01, s02, s03);
    putLine(c1, s10, s11, s12, s13);
    putLine(c2, s20, s21, s22, s23);
    putLine(c3, s30, s31, s32, s33);
    putLine(c4, s40, s41, s42, s43);
    putLine(c5, s50, s51, s52, s53);
  }
}

@inline
function putLine(c: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  v128.store(c, v0);
  v128.store(c, v1, 16);
  v128.store(c, v2, 32);
  v128.store(c, v3, 48);
}

@inline
function addLine<T>(c: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  // All loads first: one between two stores keeps them apart.
  const t0 = v128.add<T>(v128.load(c), v0), t1 = v128.add<T>(v128.load(c, 16), v1);
  const t2 = v128.add<T>(v128.load(c, 32), v2), t3 = v128.add<T>(v128.load(c, 48), v3);
  putLine(c, t0, t1, t2, t3);
}
