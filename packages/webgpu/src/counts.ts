/** What an engine has done since it was made, in numbers that hold on any adapter. */
export interface WorkCounts {
  /** Kernels that ran. */
  readonly dispatches: number;
  /** Kernels that were compiled: one for each kind of work and class of shapes. */
  readonly pipelines: number;
  /** Command buffers that were handed to the device. */
  readonly commandBuffers: number;
  /** Waits for numbers from the device; those asked for together count once. */
  readonly reads: number;
  /** Bytes that came back. */
  readonly bytesRead: number;
  /** Bytes that went there, without the shapes that each kernel is told. */
  readonly bytesWritten: number;
  /** Bytes of the operands and results of all kernels: what passes over memory move, each operand counted once. */
  readonly bytesMoved: number;
  /** Buffers that were made; what scopes free is used again. */
  readonly buffers: number;
}

/** The same while it is counted. */
export type Counting = { -readonly [Name in keyof WorkCounts]: number };

/** Nothing yet. */
export function noWork(): Counting {
  return {
    ...{ dispatches: 0, pipelines: 0, commandBuffers: 0, reads: 0 },
    ...{ bytesRead: 0, bytesWritten: 0, bytesMoved: 0, buffers: 0 },
  };
}

/** What an engine does while something is computed on it: work per forward pass, per analysis, for benchmarks. */
export async function workOf(
  gpu: { readonly counts: WorkCounts },
  body: () => Promise<unknown>,
): Promise<WorkCounts> {
  const before = gpu.counts;
  await body();
  const after = gpu.counts;
  const work = noWork();
  for (const name of Object.keys(work) as (keyof WorkCounts)[])
    work[name] = after[name] - before[name];
  return work;
}
