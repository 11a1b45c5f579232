/** The numbers by which kernels are called; the same as in assembly/run.ts. */
export const kernels = {
  matmul: 0,
  thinColumns: 1,
  thinTerms: 2,
  map: 3,
  zip: 4,
  copy: 5,
  transpose: 6,
  take: 7,
  put: 8,
  fill: 9,
  rows: 10,
  sumRows: 11,
  sumColumns: 12,
  rotary: 13,
  native: 14,
  widen: 15,
  /** Of 16-bit numbers as they are. */
  copy16: 16,
  transpose16: 17,
  take16: 18,
  top: 19,
  pairDots: 20,
  pairSums: 21,
  adam: 22,
  finish: 23,
  norm: 24,
} as const;

/** What `map` computes; the same as in assembly/map.ts. */
export const maps = {
  scale: 0,
  exp: 1,
  log: 2,
  sqrt: 3,
  relu: 4,
  gelu: 5,
  gelu_tanh: 6,
  quick_gelu: 7,
  silu: 8,
} as const;

/** What `zip` computes; the same as in assembly/map.ts. */
export const zips = { add: 0, sub: 1, mul: 2, div: 3 } as const;

/** What `rows` computes; the same as in assembly/rows.ts. */
export const alongs = { softmax: 0, logsumexp: 1, center: 2, rms: 3 } as const;
