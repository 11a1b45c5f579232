// Householder reflections H = I − τ·v·vᵀ with v[0] = 1, one by one and in blocks (I − V·T·Vᵀ).
import { at, take } from "./arena";
import { product } from "./product";
import { add, EPS, hypot, norm, rowDots, SAFE_MIN, scale, sign } from "./vector";

/** Reflections that are applied together. */
export const BLOCK: i32 = 32;

/** The τ of the last `reflect`. */
export let tau: f64 = 0;

/** Triangles T of a block, and products on the way. */
let triangle: usize = 0;
let sums: usize = 0;
let column: usize = 0;

/** Takes the memory for blocks against matrices of up to `longest` rows or columns; false where there is none. */
export function beginReflectors(longest: i32): bool {
  triangle = take(BLOCK * BLOCK);
  column = take(BLOCK);
  sums = take(<f64>BLOCK * <f64>(longest + 8));
  return triangle != 0 && column != 0 && sums != 0;
}

/**
 * Makes the reflection that takes the `n` numbers at `x` to (β, 0, …, 0): leaves v there, with its leading 1,
 * sets `tau`, returns β. A vector that is zero behind its first entry is left alone: τ = 0.
 */
export function reflect(n: i32, x: usize): f64 {
  const tiny = SAFE_MIN / EPS;
  let alpha = load<f64>(x);
  let rest = norm(n - 1, x + 8);
  store<f64>(x, 1);
  tau = 0;
  if (rest == 0) return alpha;
  let beta = -sign(hypot(alpha, rest), alpha);
  let shrunk = 0;
  while (Math.abs(beta) < tiny && shrunk < 20) {
    scale(n - 1, 1 / tiny, x + 8);
    alpha /= tiny;
    rest = norm(n - 1, x + 8);
    beta = -sign(hypot(alpha, rest), alpha);
    shrunk++;
  }
  tau = (beta - alpha) / beta;
  scale(n - 1, 1 / (alpha - beta), x + 8);
  for (let i = 0; i < shrunk; i++) beta *= tiny;
  return beta;
}

/** Sets entry `j` of each row of T from the products of v_j with v_0 … v_{j−1}, which stand at `column`. */
export function extendTriangle(t: usize, j: i32, tauOfJ: f64, products: usize): void {
  for (let r = 0; r < j; r++) {
    let sum: f64 = 0;
    for (let l = r; l < j; l++) sum += load<f64>(at(t, BLOCK, r, l)) * load<f64>(products + (<usize>l << 3));
    store<f64>(at(t, BLOCK, r, j), -tauOfJ * sum);
  }
  store<f64>(at(t, BLOCK, j, j), tauOfJ);
}

/** T of `count` reflections whose vectors are rows of `length` numbers at `v`. */
function makeTriangle(count: i32, length: i32, v: usize, ld: i32, taus: usize): void {
  for (let j = 0; j < count; j++) {
    rowDots(j, length, v, ld, at(v, ld, j, 0), column);
    extendTriangle(triangle, j, load<f64>(taus + (<usize>j << 3)), column);
  }
}

/**
 * `W ← W·H_{k−1}·…·H_0` on `rows` rows of `length` numbers. Reflection i is row i of `v`, zero before
 * place i + `shift`. With `fresh`, W is known to be the identity, and what stays so is passed over.
 */
export function applyToRows(
  rows: i32, length: i32, w: usize, ldW: i32,
  k: i32, shift: i32, v: usize, ldV: i32, taus: usize, fresh: bool,
): void {
  for (let first = ((k - 1) / BLOCK) * BLOCK; first >= 0; first -= BLOCK) {
    const count = min(BLOCK, k - first);
    const start = first + shift, live = length - start;
    if (live <= 0) continue;
    const row = fresh ? min(start, rows) : 0;
    const part = at(w, ldW, row, start), vectors = at(v, ldV, first, start), height = rows - row;
    if (height <= 0) continue;
    makeTriangle(count, live, vectors, ldV, taus + (<usize>first << 3));
    memory.fill(sums, 0, (<usize>height * <usize>BLOCK) << 3);
    product(height, count, live, 1, part, ldW, 1, vectors, 1, ldV, sums, BLOCK); // S = W·V
    for (let r = 0; r < height; r++) {
      const s = at(sums, BLOCK, r, 0);
      for (let j = 0; j < count; j++) { // S ← S·Tᵀ, in place: entry j needs those behind it
        let sum: f64 = 0;
        for (let l = j; l < count; l++) sum += load<f64>(s + (<usize>l << 3)) * load<f64>(at(triangle, BLOCK, j, l));
        store<f64>(s + (<usize>j << 3), sum);
      }
    }
    product(height, live, count, -1, sums, BLOCK, 1, vectors, ldV, 1, part, ldW); // W − S·Vᵀ
  }
}

/** `A ← (I − V·T·Vᵀ)ᵀ·A` on `columns` columns: `count` vectors of `length` numbers, as rows; T at `t`, or made. */
export function applyToColumns(
  length: i32, columns: i32, a: usize, ldA: i32, count: i32, v: usize, ldV: i32, taus: usize, t: usize,
): void {
  if (columns <= 0 || count <= 0) return;
  if (t == 0) {
    makeTriangle(count, length, v, ldV, taus);
    t = triangle;
  }
  const ld = (columns + 7) & ~7;
  memory.fill(sums, 0, (<usize>count * <usize>ld) << 3);
  product(count, columns, length, 1, v, ldV, 1, a, ldA, 1, sums, ld); // S = Vᵀ·A
  for (let r = count - 1; r >= 0; r--) { // S ← Tᵀ·S, in place: row r needs those before it
    const row = at(sums, ld, r, 0);
    scale(columns, load<f64>(at(t, BLOCK, r, r)), row);
    for (let l = 0; l < r; l++) add(columns, load<f64>(at(t, BLOCK, l, r)), at(sums, ld, l, 0), row);
  }
  product(length, columns, count, -1, v, 1, ldV, sums, ld, 1, a, ldA); // A − V·S
}
