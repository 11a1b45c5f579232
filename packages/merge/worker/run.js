// Computes one stretch of a tensor, by a program that src/program.ts has made: piece by piece, so that what stands between
// stays in a processor's cache. The same code on the calling thread and on others; plain JavaScript, because a thread's is
// loaded by its address as it is; types in run.d.ts.

/** What is read beyond the last entry of a piece, in bytes. */
const BEHIND = 64;

/** What floats over 1e-8 need no care for; see src/methods/arcee-fusion.ts. */
const FLOOR = 1e-8;

/** Runs jobs in a memory of its own. */
export function runnerOf(module) {
  const { exports } = new WebAssembly.Instance(module, {
    env: {
      abort: () => {
        throw new Error("A kernel of merges has stopped.");
      },
    },
  });
  const { memory } = exports;

  return (job) => {
    const missing = Math.ceil((job.bytes - memory.buffer.byteLength) / 65_536);
    if (missing > 0) memory.grow(missing);
    const { ops, piece, entries, first, inputs, output, stage, numbers } = job;
    const bytes = new Uint8Array(memory.buffer);
    const floats = new Float64Array(memory.buffer);
    for (const [at, value] of job.constants) floats[at / 8] = value;
    for (const at of job.counts) bytes.fill(0, at, at + 4 * 65_536);
    const sums = [];
    const lists = job.lists.map(() => []);
    for (let from = 0; from < entries; from += piece) {
      const n = Math.min(piece, entries - from);
      for (const [i, { buffer, offset, dtype, width, register }] of inputs.entries()) {
        bytes.set(new Uint8Array(buffer, offset + from * width, n * width), stage);
        bytes.fill(0, stage + n * width, stage + n * width + BEHIND);
        if (exports.decode(n, dtype, stage, register) === 0) return { odd: { input: i, from, n } };
      }
      for (const [name, ...args] of ops) {
        const own = ROWWISE[name];
        if (own === undefined) exports[name](n, first + from, ...args);
        else own(exports, floats, n, ...args);
      }
      for (let i = 0; i < numbers.length; i++) sums.push(floats[numbers[i] / 8]);
      for (const [i, { at, length }] of job.lists.entries()) {
        const count = floats[length / 8];
        if (count > 0) lists[i].push(floats.slice(at / 8, at / 8 + 2 * count));
      }
      if (output !== undefined) {
        const { buffer, offset, dtype, width, register } = output;
        if (exports.encode(n, dtype, register, stage) === 0) {
          return { odd: { from, n, numbers: floats.slice(register / 8, register / 8 + n) } };
        }
        new Uint8Array(buffer, offset + from * width, n * width).set(
          bytes.subarray(stage, stage + n * width),
        );
      }
    }
    return {
      numbers: Float64Array.from(sums),
      counts: job.counts.map((at) => new Uint32Array(memory.buffer.slice(at, at + 4 * 65_536))),
      lists,
    };
  };
}

/** Ops that take rows of the last axis, each for itself. */
const ROWWISE = {};
