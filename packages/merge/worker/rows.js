// Operations that take whole rows of the last axis, each for itself, with functions that kernels have not: `exp`, `log`. The
// arithmetic is that of src/methods, in its order.

/** What probabilities are raised by before their ratio is taken; see src/methods/arcee-fusion.ts. */
const FLOOR = 1e-8;

/** `|x − base| · KL(softmax(x) ‖ softmax(base))`, row by row; `scratch` has room for two rows. */
function importance(_, floats, n, out, base, x, row, scratch) {
  const [to, b, a, p, q] = [out, base, x, scratch, scratch + 8 * row].map((at) => at / 8);
  for (let start = 0; start < n; start += row) {
    softmax(floats, a + start, p, row);
    softmax(floats, b + start, q, row);
    let divergence = 0;
    for (let i = 0; i < row; i++) {
      const [own, other] = [floats[p + i] + FLOOR, floats[q + i] + FLOOR];
      divergence += own * Math.log(own / other);
    }
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

export const ROWWISE = { importance };
