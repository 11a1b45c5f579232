import { InputError, InternalError } from "@resolvent/tensor";

/** What the compiled decompositions export; see assembly/linear-algebra/index.ts. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  reset(): void;
  takeMatrix(rows: number, columns: number): number;
  svd(m: number, n: number, a: number, vectors: number): number;
  symmetric(n: number, a: number): number;
  general(n: number, a: number): number;
  triangle(m: number, n: number, k: number, a: number): number;
  resultOfSvd(which: number): number;
  resultOfSymmetric(which: number): number;
  resultOfGeneral(which: number): number;
}

/** Outcomes; the same as in assembly/linear-algebra/svd.ts. */
const NO_MEMORY = 1;
const NO_CONVERGENCE = 2;

/** Memory above this is given back after a decomposition, since WebAssembly's can only grow. */
const KEPT_BYTES = 64 * 1024 * 1024;

/** A matrix in the module's memory. */
export interface Place {
  readonly rows: number;
  readonly columns: number;
  /** Numbers from one row to the next. */
  readonly step: number;
  /** A view of the numbers, until the decomposition starts. */
  readonly numbers: Float64Array;
  readonly address: number;
}

/** Rows of numbers in the module's memory, until the next decomposition. */
export interface Rows {
  readonly numbers: Float64Array;
  readonly step: number;
}

/** Decompositions of one matrix at a time, in a WebAssembly memory of their own. */
export class Decompositions {
  readonly #module: WebAssembly.Module;
  #exports: Exports | undefined;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** Room for a matrix of zeros, in place of all that was there before. */
  matrix(rows: number, columns: number, where: string): Place {
    const exports = this.#running();
    exports.reset();
    const address = exports.takeMatrix(rows, columns);
    if (address === 0) throw noMemory(where, rows, columns);
    const step = padded(columns);
    const numbers = new Float64Array(exports.memory.buffer, address >>> 0, rows * step);
    return { rows, columns, step, numbers, address };
  }

  /** Of a matrix at least as tall as wide: values in no order, vectors as rows, `left` of the tall side. */
  svd({ rows, columns, address }: Place, where: string): { values: Rows; left: Rows; right: Rows } {
    const exports = this.#running();
    this.#check(exports.svd(rows, columns, address, 1), where, rows, columns);
    const part = (which: number, count: number, length: number): Rows =>
      this.#rows(exports.resultOfSvd(which), count, length);
    return {
      values: part(0, 1, columns),
      left: part(1, columns, rows),
      right: part(2, columns, columns),
    };
  }

  singularValues({ rows, columns, address }: Place, where: string): Rows {
    const exports = this.#running();
    this.#check(exports.svd(rows, columns, address, 0), where, rows, columns);
    return this.#rows(exports.resultOfSvd(0), 1, columns);
  }

  /** Values in no order, vectors as rows. */
  symmetric({ rows: n, address }: Place, where: string): { values: Rows; vectors: Rows } {
    const exports = this.#running();
    this.#check(exports.symmetric(n, address), where, n, n);
    return {
      values: this.#rows(exports.resultOfSymmetric(0), 1, n),
      vectors: this.#rows(exports.resultOfSymmetric(1), n, n),
    };
  }

  /** In no order, except that the two of a conjugate pair are neighbours, + before −. */
  general({ rows: n, address }: Place, where: string): { re: Rows; im: Rows } {
    const exports = this.#running();
    this.#check(exports.general(n, address), where, n, n);
    return {
      re: this.#rows(exports.resultOfGeneral(0), 1, n),
      im: this.#rows(exports.resultOfGeneral(1), 1, n),
    };
  }

  /** R of the first `k` columns, and what the others become; what stands below the diagonal means nothing. */
  triangle({ rows, columns, address }: Place, k: number, where: string): Rows {
    const exports = this.#running();
    this.#check(exports.triangle(rows, columns, k, address), where, rows, columns);
    return this.#rows(address, Math.min(rows, k), columns);
  }

  /** Gives a large memory back; views of it hold it until they are gone. */
  settle(): void {
    const held = this.#exports?.memory.buffer.byteLength ?? 0;
    if (held > KEPT_BYTES) this.#exports = undefined;
  }

  #running(): Exports {
    if (this.#exports === undefined) {
      const { exports } = new WebAssembly.Instance(this.#module, {
        env: {
          abort() {
            throw new Error("The decompositions stopped themselves.");
          },
        },
      });
      this.#exports = exports as unknown as Exports; // the module is this package's own build
    }
    return this.#exports;
  }

  #rows(address: number, count: number, length: number): Rows {
    const { memory } = this.#running();
    const step = padded(length);
    const size = count === 1 ? length : count * step;
    return { step, numbers: new Float64Array(memory.buffer, address >>> 0, size) };
  }

  #check(outcome: number, where: string, rows: number, columns: number): void {
    if (outcome === NO_MEMORY) throw noMemory(where, rows, columns);
    if (outcome === NO_CONVERGENCE) {
      throw new InternalError({
        code: "cpu/no-convergence",
        message: `${where}: the iteration for a matrix of ${rows} × ${columns} did not end.`,
        details: { where, rows, columns },
      });
    }
  }
}

/** The same as in assembly/linear-algebra/arena.ts. */
function padded(columns: number): number {
  const whole = Math.ceil(columns / 8) * 8;
  return whole < 64 || whole % 16 === 8 ? whole : whole + 8;
}

function noMemory(where: string, rows: number, columns: number): InputError {
  return new InputError({
    code: "cpu/no-memory",
    message: `${where}: there is no memory for a matrix of ${rows} × ${columns} and what its decomposition needs; all of it together may take 4 GiB.`,
    remedy: "Decompose a smaller matrix, such as the product with its transpose.",
    details: { where, rows, columns },
  });
}
