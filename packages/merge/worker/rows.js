/** Operations that take rows of the last axis, each for itself, and functions that kernels have not: `exp`, `log`, `acos`. */
export const ROWWISE = {};
