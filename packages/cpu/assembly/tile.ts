// Register tiles: C (+)= A·B for a few rows of A and a few vectors of B, both packed so that each step over
// k reads the next numbers. Which shape is fastest depends on the machine's registers and on the compiler, so
// several exist. All add the products of one k block in the same order, so they agree to the last bit.
// The loops are not unrolled over k: V8 then hoists the loads and spills.
import { bytes, lanes, madd, zero } from "./lanes";

/** Rows of each tile shape. */
@inline
export function tileRows(shape: i32): i32 {
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
