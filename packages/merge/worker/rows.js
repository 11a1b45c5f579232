// Operations that take whole rows of the last axis, each for itself, with functions that kernels have not: `exp`, `log`. The
// arithmetic is that of src/methods, in its order.

/** What probabilities are raised by before their ratio is taken; see src/methods/arcee-fusion.ts. */
const FLOOR = 1e-8;

/** Entries that are summed one after the other; see src/methods/numbers.ts. */
const STRETCH = 4096;

/** `|x − base| · KL(softmax(x) ‖ softmax(base))`, row by row; `scratch` has room for two rows. */
function importance(_functions, floats, n, _first, out, base, x, row, scratch) {
  const [to, b, a, p, q] = [out, base, x, scratch, scratch + 8 * row].map((at) => at / 8);
  for (let start = 0; start < n; start += row) {
    softmax(floats, a + start, p, row);
    softmax(floats, b + start, q, row);
    let divergence = 0;
    for (let i = 0; i < row; i++) {
      const [own, other] = [floats[p + i] + FLOOR, floats[q + i] + FLOOR];
      divergence += own * Math.log(own / other);
    }
    divergence = Math.max(0, divergence); // below it by rounding only
    for (let i = start; i < start + row; i++)
      floats[to + i] = Math.abs(floats[a + i] - floats[b + i]) * divergence;
  }
}

function softmax(floats, from, to, row) {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row; i++) top = Math.max(top, floats[from + i]);
  let total = 0;
  for (let i = 0; i < row; i++) {
    const own = Math.exp(floats[from + i] - top);
    floats[to + i] = own;
    total += own;
  }
  for (let i = 0; i < row; i++) floats[to + i] /= total;
}

/**
 * Spherical interpolation of two vectors of each row, as src/methods/nuslerp.ts has it: `out = c·a + d·b`, by their products.
 * Norms are clamped at `least`, and the way is straight where a sine is below `straight`.
 */
function arcs({ products }, floats, n, _first, out, a, b, row, t, least, straight, results) {
  for (let start = 0; start < n; start += row) {
    let [aa, ab, bb] = [0, 0, 0];
    for (let from = start; from < start + row; from += STRETCH) {
      const length = Math.min(STRETCH, start + row - from);
      products(length, 0, a + 8 * from, b + 8 * from, results);
      aa += floats[results / 8];
      ab += floats[results / 8 + 1];
      bb += floats[results / 8 + 2];
    }
    const norms = Math.max(Math.sqrt(aa), least) * Math.max(Math.sqrt(bb), least);
    const angle = Math.acos(Math.min(1, Math.max(-1, ab / norms)));
    const sine = Math.sin(angle);
    const flat = Math.abs(sine) < straight;
    const ofA = flat ? 1 - t : Math.sin((1 - t) * angle) / sine;
    const ofB = flat ? t : Math.sin(t * angle) / sine;
    for (let i = start; i < start + row; i++)
      floats[out / 8 + i] = ofA * floats[a / 8 + i] + ofB * floats[b / 8 + i];
  }
}

/**
 * For each row how much of the mean there is, as src/methods/model-stock.ts has it; NaN where rows point exactly apart. `table`
 * has the addresses of `count` differences.
 */
function shares({ product }, floats, n, _first, out, table, count, row, result) {
  const words = new Uint32Array(floats.buffer);
  const address = (i) => words[table / 4 + 4 * i];
  for (let start = 0; start < n; start += row) {
    const dot = (i, j) => {
      let total = 0;
      for (let from = start; from < start + row; from += STRETCH) {
        const length = Math.min(STRETCH, start + row - from);
        product(length, 0, address(i) + 8 * from, address(j) + 8 * from, result);
        total += floats[result / 8];
      }
      return total;
    };
    const norms = Array.from({ length: count }, (_, i) => Math.sqrt(dot(i, i)));
    let [cosines, pairs] = [0, 0];
    for (let i = 0; i < count; i++) {
      for (let j = i + 1; j < count; j++) {
        if (norms[i] > 0 && norms[j] > 0)
          cosines += Math.min(1, Math.max(-1, dot(i, j) / norms[i] / norms[j]));
        pairs++;
      }
    }
    const c = cosines / pairs;
    const below = 1 + (count - 1) * c;
    const ratio = Math.abs(below) > 4 * Number.EPSILON * count ? (count * c) / below : Number.NaN;
    floats.fill(ratio, out / 8 + start, out / 8 + start + row);
  }
}

/** Adds to the products `a·a`, `a·b`, `b·b` of each column, one after the other in `sums`. */
function columnProducts(_functions, floats, n, first, a, b, columns, sums) {
  const [x, y, to] = [a / 8, b / 8, sums / 8];
  for (let i = 0, column = first % columns; i < n; i++) {
    const at = to + 3 * column;
    floats[at] += floats[x + i] * floats[x + i];
    floats[at + 1] += floats[x + i] * floats[y + i];
    floats[at + 2] += floats[y + i] * floats[y + i];
    if (++column === columns) column = 0;
  }
}

/** `out = c·a + d·b`, c and d of each column, as pairs in `table`. */
function byColumns(_functions, floats, n, first, out, a, b, columns, table) {
  for (let i = 0, column = first % columns; i < n; i++) {
    const at = table / 8 + 2 * column;
    floats[out / 8 + i] = floats[at] * floats[a / 8 + i] + floats[at + 1] * floats[b / 8 + i];
    if (++column === columns) column = 0;
  }
}

export const ROWWISE = { importance, arcs, shares, columnProducts, byColumns };
