// Computes one stretch of a tensor, by a program that src/program.ts has made: piece by piece, so that what stands between
// stays in a processor's cache. The same code on the calling thread and on others; plain JavaScript, because a thread's is
// loaded by its address as it is; types in run.d.ts.
import { ROWWISE } from "./rows.js";

/** Entries that are read at once end at a multiple of it, in bytes. */
const TOGETHER = 64;

/** Entries that are read and stored at once; registers begin at a multiple of it. */
const AT_ONCE = 8;

/** What a kernel gives that does not say which input is not finite, and what stands for such an input. */
const ANY = 2;
const SOME = -1;

/** Bytes of what a histogram counts. */
const COUNTS = 4 * 65_536;

export function runnerOf(module, memory) {
  const abort = () => {
    throw new Error("a kernel was given what it cannot take");
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });

  return ({ program, entries, first, inputs, output }, base) => {
    memory.grow(0); // what another thread has made of it shows from here on
    const { buffer } = memory;
    const bytes = new Uint8Array(buffer);
    const floats = new Float64Array(buffer);
    const { piece } = program;
    const words = new Uint32Array(buffer); // as kernels have addresses
    for (const [{ at }, value] of program.constants) {
      if (typeof value === "number") floats[(base + at) / 8] = value;
      else words[(base + at) / 4] = "at" in value ? base + value.at : inputs[value.stored].address;
    }
    for (const { at } of program.counts) bytes.fill(0, base + at, base + at + COUNTS);
    for (const { at, length } of program.sums)
      bytes.fill(0, base + at.at, base + at.at + 8 * length);
    for (const { address, width } of inputs) {
      const end = address + entries * width;
      bytes.fill(0, end, Math.ceil(end / TOGETHER) * TOGETHER);
    }
    const context = { functions: exports, floats, base, inputs };
    const ops = program.ops.map((op) => bound(op, context));
    const numbers = new Float64Array(program.numbers.length * Math.ceil(entries / piece));
    const lists = program.lists.map(() => []);
    let given = 0;
    for (let from = 0; from < entries; from += piece) {
      const n = Math.min(piece, entries - from);
      for (const run of ops) {
        const odd = run(n, first + from, from);
        // It may be one of the entries behind the piece that were read with its last.
        const seen = Math.min(n + AT_ONCE - 1, entries - from);
        if (odd === SOME) return { odd: { from, n: seen } };
        if (odd !== undefined) return { odd: { input: odd, from, n: seen } };
      }
      for (const { at } of program.numbers) numbers[given++] = floats[(base + at) / 8];
      for (const [i, { at, length }] of program.lists.entries()) {
        const [start, count] = [(base + at.at) / 8, floats[(base + length.at) / 8]];
        if (count > 0) lists[i].push(floats.slice(start, start + 2 * count));
      }
      if (output === undefined) continue;
      const register = base + program.output.at;
      const end = register / 8 + n;
      floats.fill(0, end, Math.ceil(end / AT_ONCE) * AT_ONCE);
      const { address, dtype, width } = output;
      if (exports.encode(n, 0, register, address + from * width, dtype) === 0) {
        const own = Float64Array.from(floats.subarray(register / 8, register / 8 + n));
        return { odd: { from, n, numbers: own } };
      }
    }
    return {
      numbers,
      sums: program.sums.map(({ at, length }) => {
        const start = (base + at.at) / 8;
        return Float64Array.from(floats.subarray(start, start + length));
      }),
      counts: program.counts.map(
        ({ at }) => Uint32Array.from(new Uint32Array(buffer, base + at, 65_536)), // not shared
      ),
      lists: lists.map((list) => list.map((pairs) => Float64Array.from(pairs))),
    };
  };
}

/** An operation, bound to what it works on: applied to a piece, it gives the index of an input that is not finite. */
function bound([name, ...args], { functions, floats, base, inputs }) {
  const values = args.map((arg) => {
    if (typeof arg === "number") return arg;
    if ("at" in arg) return base + arg.at;
    return "dtype" in arg ? inputs[arg.dtype].dtype : inputs[arg.stored].address;
  });
  const own = ROWWISE[name];
  if (own !== undefined) {
    return (n, first) => {
      own(functions, floats, n, first, ...values);
      return undefined;
    };
  }
  const apply = functions[name];
  const at = args.findIndex((arg) => typeof arg !== "number" && "stored" in arg);
  if (at < 0) {
    return (n, first) => {
      apply(n, first, ...values);
      return undefined;
    };
  }
  const { stored } = args[at];
  const { address, width } = inputs[stored];
  return (n, first, from) => {
    values[at] = address + from * width;
    const found = apply(n, first, ...values);
    if (found === ANY) return SOME;
    return found === 0 ? stored : undefined;
  };
}
