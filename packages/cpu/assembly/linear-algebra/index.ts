// What the host calls: `reset`, `takeMatrix`, one of the decompositions, then the places of its results.
import { findEigenvalues, imaginaryParts, realParts } from "./general";
import { decompose, DONE, leftVectors, NO_MEMORY, rightVectors, values } from "./svd";
import { decomposeSymmetric, eigenvalues, eigenvectors } from "./symmetric";
import { triangularize } from "./triangle";

export { reset, takeMatrix } from "./arena";

/** 0: done, 1: no memory, 2: no convergence. */
export function svd(m: i32, n: i32, a: usize, vectors: bool): i32 {
  return decompose(m, n, a, vectors);
}

export function symmetric(n: i32, a: usize): i32 {
  return decomposeSymmetric(n, a, true);
}

export function general(n: i32, a: usize): i32 {
  return findEigenvalues(n, a);
}

/** R stands in the matrix itself, and below the diagonal what is left over. */
export function triangle(m: i32, n: i32, k: i32, a: usize): i32 {
  return triangularize(m, n, k, a) ? DONE : NO_MEMORY;
}

/** Where result `which` of the last decomposition stands: 0 values, 1 and 2 vectors or imaginary parts. */
export function resultOfSvd(which: i32): usize {
  return which == 0 ? values : which == 1 ? leftVectors : rightVectors;
}

export function resultOfSymmetric(which: i32): usize {
  return which == 0 ? eigenvalues : eigenvectors;
}

export function resultOfGeneral(which: i32): usize {
  return which == 0 ? realParts : imaginaryParts;
}
