/**
 * The assignment of rows to columns with the largest sum of gains, by shortest augmenting paths in O(n³) (Kuhn 1955;
 * Jonker and Volgenant 1987): `result[i]` is the column of row `i`.
 *
 * @param gain `n × n`, row after row; finite
 */
export function bestAssignment(gain: Float64Array, n: number): number[] {
  // Index 0 of rows and columns stands for none. Costs are −gain; potentials keep reduced costs from below 0.
  const ofRow = new Float64Array(n + 1);
  const ofColumn = new Float64Array(n + 1);
  const rowAt = new Int32Array(n + 1);
  const before = new Int32Array(n + 1);
  const least = new Float64Array(n + 1);
  const done = new Uint8Array(n + 1);
  for (let row = 1; row <= n; row++) {
    rowAt[0] = row;
    least.fill(Number.POSITIVE_INFINITY);
    done.fill(0);
    let column = 0;
    do {
      done[column] = 1;
      const from = at(rowAt, column);
      const start = (from - 1) * n - 1;
      let step = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let j = 1; j <= n; j++) {
        if (done[j] === 1) continue;
        const reduced = -at(gain, start + j) - at(ofRow, from) - at(ofColumn, j);
        if (reduced < at(least, j)) {
          least[j] = reduced;
          before[j] = column;
        }
        if (at(least, j) < step) {
          step = at(least, j);
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j] === 1) {
          const of = at(rowAt, j);
          ofRow[of] = at(ofRow, of) + step;
          ofColumn[j] = at(ofColumn, j) - step;
        } else least[j] = at(least, j) - step;
      }
      column = next;
    } while (rowAt[column] !== 0);
    while (column !== 0) {
      const previous = at(before, column);
      rowAt[column] = at(rowAt, previous);
      column = previous;
    }
  }
  const columnOf = new Array<number>(n).fill(0);
  for (let j = 1; j <= n; j++) columnOf[at(rowAt, j) - 1] = j - 1;
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
