// Products on the system's BLAS, for every thread of the engine: this one calls it directly, the workers as they
// take chunks. Plain JavaScript, because worker/serve.js is loaded by its address as it is; types in native.d.ts.

/** Row-major, and the two ways to read a matrix, in cblas.h's numbers. */
const ROW_MAJOR = 101;
const PLAIN = 111;
const TRANSPOSED = 112;

/**
 * Node's koffi, or undefined where it cannot be had: in a browser, or where it was not installed.
 * Required by name at run time, so that no bundler takes it in.
 */
export function loadKoffi() {
  if (typeof process !== "object" || typeof process.getBuiltinModule !== "function") {
    return undefined;
  }
  try {
    return process.getBuiltinModule("node:module").createRequire(import.meta.url)("koffi");
  } catch {
    return undefined;
  }
}

/** The job of blocks `from ≤ block < to` of a product, as src/blas/product.ts writes it into `control`. */
export function bindProducts(
  { library, precision, integer, gemm, gemv, setThreads },
  memory,
  control,
) {
  const koffi = loadKoffi();
  const blas = koffi.load(library);
  const real = precision === "f32" ? "float" : "double";
  const width = precision === "f32" ? 4 : 8;
  const [int, pointer] = [integer, "uintptr_t"];
  const multiply = blas.func(gemm, "void", [
    ...["int", "int", "int", int, int, int],
    ...[real, pointer, int, pointer, int, real, pointer, int],
  ]);
  const apply = blas.func(gemv, "void", [
    ...["int", "int", int, int],
    ...[real, pointer, int, pointer, int, real, pointer, int],
  ]);
  // The engine's own threads share the blocks, so each call of the library is to stay on its thread. Said once on each,
  // because saying it costs some microseconds; who lets it have more threads for a time says it again.
  if (setThreads !== undefined) blas.func(setThreads, "void", ["int"])(1);
  // A shared memory never moves, also when it grows, so its address is asked for once.
  const base = Number(koffi.address(new Uint8Array(memory.buffer)));
  const words = new Int32Array(memory.buffer, control, 1024);

  return (args, from, to) => {
    const at = (args - control) >> 2;
    const [a, b, c] = [0, 1, 2].map((i) => base + (words[at + i] >>> 0)); // addresses reach past 2 GiB
    const [m, n, k, thin] = words.subarray(at + 3, at + 7);
    const [aRow, aTerm, bTerm, bColumn, cRow, cColumn] = words.subarray(at + 7, at + 13);
    const [blockM, blockN, batches, sums] = words.subarray(at + 13, at + 17);
    const batchAt = at + 18; // before them, where the finish stands: assembly/run.ts
    const sumAt = batchAt + 4 * batches;
    let turns = 1;
    for (let i = 0; i < sums; i++) turns *= words[sumAt + 3 * i];
    const blocksN = Math.ceil(n / blockN);
    const blocksM = Math.ceil(m / blockM);
    // Each has one step of 1; where the other is too, the matrix has one line only that way.
    const readA = aTerm === 1 ? PLAIN : TRANSPOSED;
    const lineA = Math.max(aTerm === 1 ? aRow : aTerm, aTerm === 1 ? k : m);
    const readB = bColumn === 1 ? PLAIN : TRANSPOSED;
    const lineB = Math.max(bColumn === 1 ? bTerm : bColumn, bColumn === 1 ? n : k);
    for (let block = from; block < to; block++) {
      const column = (block % blocksN) * blockN;
      let rest = Math.floor(block / blocksN);
      const row = (rest % blocksM) * blockM;
      rest = Math.floor(rest / blocksM);
      const rows = Math.min(blockM, m - row);
      const columns = Math.min(blockN, n - column);
      let [fromA, fromB, toC] = [row * aRow, column * bColumn, row * cRow + column * cColumn];
      for (let i = batches - 1; i >= 0; i--) {
        const loop = batchAt + 4 * i;
        const turn = rest % words[loop];
        rest = Math.floor(rest / words[loop]);
        fromA += turn * words[loop + 1];
        fromB += turn * words[loop + 2];
        toC += turn * words[loop + 3];
      }
      for (let turn = 0; turn < turns; turn++) {
        let [moreA, moreB, left] = [fromA, fromB, turn];
        for (let i = sums - 1; i >= 0; i--) {
          const loop = sumAt + 3 * i;
          const step = left % words[loop];
          left = Math.floor(left / words[loop]);
          moreA += step * words[loop + 1];
          moreB += step * words[loop + 2];
        }
        const [x, y, z] = [a + moreA * width, b + moreB * width, c + toC * width];
        const keep = turn === 0 ? 0 : 1;
        if (thin === 0) {
          // biome-ignore format: fourteen arguments
          multiply(ROW_MAJOR, readA, readB, rows, columns, k, 1, x, lineA, y, lineB, keep, z, cRow);
          continue;
        }
        // Few rows: each is the matrix on the right, seen from its columns, times one line of the left.
        const [how, high, wide] = readB === PLAIN ? [TRANSPOSED, k, columns] : [PLAIN, columns, k];
        for (let i = 0; i < rows; i++) {
          const [line, out] = [x + i * aRow * width, z + i * cRow * width];
          apply(ROW_MAJOR, how, high, wide, 1, y, lineB, line, aTerm, keep, out, cColumn);
        }
      }
    }
  };
}
