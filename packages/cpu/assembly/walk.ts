// A walk over two tensors at once by lines: an inner axis with a step in each, and outer axes counted as one
// row number. The caller has merged axes that lie together, so most walks have no or one outer axis.

/** Arguments, in the order src/layout.ts writes them; up to 8 outer axes, fastest first. */
@unmanaged
export class Walk {
  inner: i32;
  firstStep: i32;
  secondStep: i32;
  outer: i32;
  // Followed by `outer` times: size, step of the first, step of the second.

  @inline
  first(row: i32): i32 {
    return place(changetype<usize>(this) + 16, this.outer, row, 4);
  }

  @inline
  second(row: i32): i32 {
    return place(changetype<usize>(this) + 16, this.outer, row, 8);
  }
}

function place(axes: usize, count: i32, row: i32, which: usize): i32 {
  let at = 0;
  for (let i = 1; i < count; i++) {
    const size = load<i32>(axes);
    const rest = row / size;
    at += (row - rest * size) * load<i32>(axes + which);
    row = rest;
    axes += 12;
  }
  // The slowest axis needs no division.
  return count == 0 ? 0 : at + row * load<i32>(axes + which);
}
