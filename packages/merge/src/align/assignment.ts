/**
 * The assignment of rows to columns with the largest sum of gains, by shortest augmenting paths in O(n³) (Kuhn 1955;
 * Jonker and Volgenant 1987): `result[i]` is the column of row `i`.
 *
 * @param gain `n × n`, row after row; finite
 */
export function bestAssignment(gain: Float64Array, n: number): number[] {
  // Costs are −gain; potentials keep reduced costs from below 0. Index n of columns stands for none.
  const ofRow = new Float64Array(n);
  const ofColumn = new Float64Array(n + 1);
  const rowAt = new Int32Array(n + 1).fill(-1);
  const before = new Int32Array(n);
  const far = new Float64Array(n + 1); // how far a column is from the new row
  const open = new Int32Array(n); // columns that no shortest path has reached yet, in order
  const reached = new Int32Array(n + 1);
  for (let row = 0; row < n; row++) {
    far.fill(Number.POSITIVE_INFINITY);
    for (let j = 0; j < n; j++) open[j] = j;
    far[n] = 0;
    rowAt[n] = row;
    let [left, found, column] = [n, 0, n];
    while (at(rowAt, column) !== -1) {
      reached[found++] = column;
      const from = at(rowAt, column);
      const start = from * n;
      const least = at(far, column) - at(ofRow, from);
      let next = 0;
      let nearest = Number.POSITIVE_INFINITY;
      for (let k = 0; k < left; k++) {
        const j = at(open, k);
        const through = least - at(gain, start + j) - at(ofColumn, j);
        let own = at(far, j);
        if (through < own) {
          own = through;
          far[j] = through;
          before[j] = column;
        }
        if (own < nearest) {
          nearest = own;
          next = k;
        }
      }
      column = at(open, next);
      open.copyWithin(next, next + 1, left--);
    }
    const end = at(far, column);
    for (let k = 0; k < found; k++) {
      const j = at(reached, k);
      const of = at(rowAt, j);
      ofRow[of] = at(ofRow, of) + end - at(far, j);
      ofColumn[j] = at(ofColumn, j) - end + at(far, j);
    }
    while (column !== n) {
      const previous = at(before, column);
      rowAt[column] = at(rowAt, previous);
      column = previous;
    }
  }
  const columnOf = new Array<number>(n).fill(0);
  for (let j = 0; j < n; j++) columnOf[at(rowAt, j)] = j;
  return columnOf;
}

/** The sum of gains of an assignment. */
export function assignedGain(gain: Float64Array, columns: readonly number[]): number {
  return columns.reduce((sum, column, row) => sum + at(gain, row * columns.length + column), 0);
}

/** An entry at an index that is within bounds. */
function at(x: Float64Array | Int32Array, i: number): number {
  return x[i] as number;
}
