import { InternalError } from "@resolvent/tensor";
import { type Koffi, loadKoffi, type NativeFunction } from "../../worker/native.js";
import { nodeModule } from "../module.ts";
import { lapackNames } from "./find.ts";
import type { Native } from "./native.ts";

/**
 * Decompositions of one matrix in float64 by the system's LAPACK, in the memory of host arrays. A matrix is
 * column by column, `a[row + column · rows]`, without gaps, and is overwritten.
 */
export interface Lapack {
  readonly library: string;
  /**
   * `dgesdd`: `values` descending; `left[row + i · rows]`, `right[i + column · rank]` (transposed); both empty
   * without `vectors`.
   */
  svd(
    a: Float64Array,
    rows: number,
    columns: number,
    vectors: boolean,
  ): { values: Float64Array; left: Float64Array; right: Float64Array };
  /** `dsyevd`: values ascending; the vector of value `i` replaces column `i` of `a`. */
  symmetric(a: Float64Array, size: number): Float64Array;
  /** `dgeev` without vectors: conjugate pairs are neighbours, + before −. */
  general(a: Float64Array, size: number): { re: Float64Array; im: Float64Array };
  /**
   * `dgelqf` and `dormlq`: rows `from` to `to` of the matrix become lower triangular in the columns `from` to
   * `end` (row `from + i` ends in column `from + i`), and the rows behind `to` become theirs times the same `Qᵀ`.
   */
  triangle(
    a: Float64Array,
    rows: number,
    part: { readonly from: number; readonly to: number; readonly end: number },
  ): void;
}

/** Fortran passes everything by address, and lengths of texts behind the rest. */
const POINTER = "uintptr_t";
const LENGTH = "size_t";

/** LAPACK from the BLAS's own library, or else the system's; undefined where there is none. */
export function openLapack(native: Native | undefined): Lapack | undefined {
  const koffi = loadKoffi();
  if (koffi === undefined) return undefined;
  if (native !== undefined) {
    const own = bind(koffi, native.library, native.integer, native.function);
    if (own !== undefined) return own;
  }
  for (const name of lapackNames(nodeModule("node:os")?.platform() ?? "")) {
    try {
      const library = koffi.load(name);
      const found = bind(koffi, name, "int", (of, result, parameters) => {
        try {
          return library.func(of, result, parameters);
        } catch {
          return undefined;
        }
      });
      if (found !== undefined) return found;
    } catch {
      // Not there: the next.
    }
  }
  return undefined;
}

function bind(
  koffi: Koffi,
  library: string,
  integer: Native["integer"],
  find: Native["function"],
): Lapack | undefined {
  const get = (name: string, pointers: number, texts: number): NativeFunction | undefined =>
    find(name, "void", [
      ...new Array<string>(pointers).fill(POINTER),
      ...new Array<string>(texts).fill(LENGTH),
    ]);
  const dgesdd = get("dgesdd_", 14, 1);
  const dsyevd = get("dsyevd_", 11, 2);
  const dgeev = get("dgeev_", 14, 2);
  const dgelqf = get("dgelqf_", 8, 0);
  const dormlq = get("dormlq_", 13, 2);
  if (dgesdd === undefined || dsyevd === undefined || dgeev === undefined) return undefined;
  if (dgelqf === undefined || dormlq === undefined) return undefined;
  const { whole, wholes, text, call } = passing(koffi, integer);
  return {
    library,
    svd: (a, rows, columns, vectors) => {
      const rank = Math.min(rows, columns);
      const values = new Float64Array(rank);
      const left = new Float64Array(vectors ? rows * rank : 0);
      const right = new Float64Array(vectors ? rank * columns : 0);
      const [m, n, k] = [whole(rows), whole(columns), whole(rank)];
      const job = text(vectors ? "S" : "N");
      const scratch = wholes(8 * rank);
      call("dgesdd", dgesdd, 1, (work, size, info) => [
        ...[job, m, n, a, m, values, left, m, right, k],
        ...[work, size, scratch, info],
      ]);
      return { values, left, right };
    },
    symmetric: (a, size) => {
      const values = new Float64Array(size);
      const n = whole(size);
      const [job, half] = [text("V"), text("U")];
      // What it would say for the whole numbers is this, for vectors.
      const scratch = wholes(3 + 5 * size);
      const scratchSize = whole(3 + 5 * size);
      call("dsyevd", dsyevd, 2, (work, length, info) => [
        ...[job, half, n, a, n, values],
        ...[work, length, scratch, scratchSize, info],
      ]);
      return values;
    },
    general: (a, size) => {
      const [re, im] = [new Float64Array(size), new Float64Array(size)];
      const [n, none, job] = [whole(size), new Float64Array(1), text("N")];
      call("dgeev", dgeev, 2, (work, length, info) => [
        ...[job, job, n, a, n, re, im, none, n, none, n],
        ...[work, length, info],
      ]);
      return { re, im };
    },
    triangle: (a, rows, { from, to, end }) => {
      const corner = a.subarray(from + from * rows);
      const behind = a.subarray(to + from * rows);
      const taus = new Float64Array(to - from);
      const [k, live, step] = [whole(to - from), whole(end - from), whole(rows)];
      call("dgelqf", dgelqf, 0, (work, length, info) => [
        ...[k, live, corner, step, taus],
        ...[work, length, info],
      ]);
      if (rows === to) return;
      const [side, transposed, others] = [text("R"), text("T"), whole(rows - to)];
      call("dormlq", dormlq, 2, (work, length, info) => [
        ...[side, transposed, others, live, k, corner, step, taus, behind, step],
        ...[work, length, info],
      ]);
    },
  };
}

type Whole = Int32Array | BigInt64Array;

/** How values are passed: whole numbers in an array of the library's width, texts as bytes. */
function passing(
  koffi: Koffi,
  integer: Native["integer"],
): {
  whole: (value: number) => Whole;
  wholes: (count: number) => Whole;
  text: (letter: string) => Uint8Array;
  /** Calls a function twice: for the size of the memory it wants to work in, then with it. */
  call: (
    name: string,
    routine: NativeFunction,
    texts: number,
    values: (work: Float64Array, length: Whole, info: Whole) => readonly ArrayBufferView[],
  ) => void;
} {
  const wide = integer === "int64_t";
  const whole = (value: number): Whole =>
    wide ? BigInt64Array.of(BigInt(value)) : Int32Array.of(value);
  return {
    whole,
    wholes: (count) => (wide ? new BigInt64Array(count) : new Int32Array(count)),
    text: (letter) => new TextEncoder().encode(letter),
    call: (name, routine, texts, values) => {
      const info = whole(0);
      const run = (work: Float64Array, length: number): void => {
        // Held in a variable until the call has ended: an address alone keeps nothing alive.
        const views = values(work, whole(length), info);
        const addresses = views.map((view) =>
          view.byteLength === 0 ? 0 : Number(koffi.address(view)),
        );
        routine(...addresses, ...new Array<number>(texts).fill(1));
        const outcome = Number(info[0]);
        if (outcome === 0 && views.length > 0) return;
        throw new InternalError({
          code: "cpu/lapack",
          message: `LAPACK's ${name} ended with info = ${outcome}.`,
          details: { name, info: outcome },
        });
      };
      const query = new Float64Array(1);
      run(query, -1);
      const length = Math.max(1, Math.ceil(query[0] as number)); // it has one
      run(new Float64Array(length), length);
    },
  };
}
