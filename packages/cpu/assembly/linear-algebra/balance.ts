// Balancing before the QR iteration (LAPACK's dgebal): eigenvalues that stand alone are split off by a
// permutation, then rows and columns get like norms by powers of 2, which round nothing.
import { at } from "./arena";
import { norm } from "./vector";

/** The part low … high that is left to the iteration. */
export let low: i32 = 0;
export let high: i32 = 0;

/** `work` has room for n numbers. */
export function balance(n: i32, a: usize, ld: i32, work: usize): void {
  low = 0;
  high = n - 1;
  permute(n, a, ld);
  equalize(a, ld, work);
}

function swap(n: i32, a: usize, ld: i32, i: i32, j: i32): void {
  if (i == j) return;
  for (let l = 0; l < n; l++) {
    const x = at(a, ld, l, i), y = at(a, ld, l, j), kept = load<f64>(x);
    store<f64>(x, load<f64>(y));
    store<f64>(y, kept);
  }
  for (let l = 0; l < n; l++) {
    const x = at(a, ld, i, l), y = at(a, ld, j, l), kept = load<f64>(x);
    store<f64>(x, load<f64>(y));
    store<f64>(y, kept);
  }
}

function permute(n: i32, a: usize, ld: i32): void {
  // A row that is zero beside its diagonal entry goes to the end …
  for (let found = true; found && high > 0; ) {
    found = false;
    for (let i = high; i >= 0 && !found; i--) {
      let alone = true;
      for (let j = 0; j <= high && alone; j++) alone = j == i || load<f64>(at(a, ld, i, j)) == 0;
      if (!alone) continue;
      swap(n, a, ld, i, high);
      high--;
      found = true;
    }
  }
  // … and such a column to the front.
  for (let found = true; found && low < high; ) {
    found = false;
    for (let j = low; j <= high && !found; j++) {
      let alone = true;
      for (let i = low; i <= high && alone; i++) alone = i == j || load<f64>(at(a, ld, i, j)) == 0;
      if (!alone) continue;
      swap(n, a, ld, j, low);
      low++;
      found = true;
    }
  }
}

function equalize(a: usize, ld: i32, work: usize): void {
  const size = high - low + 1;
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = low; i <= high; i++) {
      for (let l = 0; l < size; l++) store<f64>(work + (<usize>l << 3), load<f64>(at(a, ld, low + l, i)));
      let column = norm(size, work);
      let row = norm(size, at(a, ld, i, low));
      if (column == 0 || row == 0) continue;
      const sum = column + row;
      let factor: f64 = 1;
      while (column < row / 2 && factor < 1e150) {
        factor *= 2;
        column *= 2;
        row /= 2;
      }
      while (column >= row * 2 && factor > 1e-150) {
        factor /= 2;
        column /= 2;
        row *= 2;
      }
      if (factor == 1 || column + row >= 0.95 * sum) continue;
      changed = true;
      for (let l = low; l <= high; l++) store<f64>(at(a, ld, i, l), load<f64>(at(a, ld, i, l)) / factor);
      for (let l = low; l <= high; l++) store<f64>(at(a, ld, l, i), load<f64>(at(a, ld, l, i)) * factor);
    }
  }
}
