import { adjoint, type Half, reference, type Shape, sizeOf, widenHalf } from "@resolvent/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cpu, type CpuTensor, createCpu } from "../src/index.ts";

const halves = ["bf16", "f16"] as const;

/** The first bits of numbers of ordinary size, different from entry to entry. */
function ordinary(count: number, half: Half, seed = 1): Uint16Array {
  let state = seed;
  return Uint16Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const sign = state & 0x8000;
    // Exponents below that of 1, and any mantissa.
    return half === "bf16"
      ? sign | (0x3e80 + ((state >>> 16) & 0xff))
      : sign | (0x3000 + ((state >>> 16) & 0x7ff));
  });
}

describe.each(["f32", "f64"] as const)("%s", (precision) => {
  let cpu: Cpu;
  beforeAll(async () => {
    cpu = await createCpu({ precision, threads: 2, blas: "off" });
  });
  afterAll(async () => await cpu.close());

  const both = (shape: Shape, half: Half, seed = 1): { kept: CpuTensor; full: CpuTensor } => {
    const bits = ordinary(sizeOf(shape), half, seed);
    return {
      kept: cpu.writtenHalf(shape, half, (into) => into.set(bits)),
      full: cpu.constant(shape, widenHalf(bits, half, new Float64Array(bits.length))),
    };
  };
  const constant = (shape: Shape): CpuTensor =>
    cpu.constant(
      shape,
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1)),
    );

  test.each(halves)("%s: all 65 536 numbers are widened exactly", (half) => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const kept = cpu.writtenHalf({ i: 65536 }, half, (into) => into.set(bits));
    const exact = widenHalf(bits, half, new Float64Array(65536));
    const one = cpu.scale(kept, 1); // an operation widens by the kernel, read on the host
    expect(cpu.read(one).data).toEqual(cpu.precision === "f32" ? new Float32Array(exact) : exact);
    expect(cpu.read(kept)).toEqual(cpu.read(one));
    expect(reference.writtenHalf({ i: 65536 }, half, (into) => into.set(bits)).data).toEqual(exact);
    cpu.free([kept, one]);
  });

  test.each([0, 1, 7, 8, 9, 31])("%i entries, from any place on", (count) => {
    const { kept, full } = both({ i: 40 }, "f16");
    for (const start of [0, 1, 3]) {
      const of = (a: CpuTensor) => cpu.read(cpu.exp(cpu.slice(a, "i", start, start + count)));
      expect(of(kept)).toEqual(of(full));
    }
  });

  type Use = (a: CpuTensor, b: CpuTensor) => CpuTensor;
  const ids = { shape: { pos: 3 }, data: Int32Array.of(4, 0, 4) };
  const table = {
    ...{ positions: 5, pairs: 2, pairing: "half" as const },
    cos: Float64Array.from({ length: 10 }, (_, i) => Math.cos(i)),
    sin: Float64Array.from({ length: 10 }, (_, i) => Math.sin(i)),
  };
  const uses: Record<string, Use> = {
    rename: (a) => cpu.rename(a, { x: "u" }),
    split: (a) => cpu.split(a, "y", { u: 3, v: 2 }),
    join: (a) => cpu.join(a, ["y", "x"], "u"),
    arrange: (a) => cpu.arrange(a, ["x"]),
    slice: (a) => cpu.slice(a, "y", 1, 4),
    broadcast: (a) => cpu.broadcast(a, { u: 2 }),
    concat: (a) => cpu.concat([a, a], "y"),
    "concat with another": (a, b) => cpu.concat([a, b], "x"),
    take: (a) => cpu.take(a, "x", ids),
    "take of the last axis": (a) => cpu.take(a, "y", ids),
    put: (a) => cpu.put(cpu.slice(a, "x", 0, 3), { shape: { x: 3 }, data: ids.data }, "u", 6),
    add: (a, b) => cpu.add(a, b),
    sub: (a, b) => cpu.sub(b, a),
    mul: (a) => cpu.mul(a, a),
    div: (a, b) => cpu.div(b, a),
    exp: (a) => cpu.exp(a),
    log: (a) => cpu.log(cpu.mul(a, a)),
    sqrt: (a) => cpu.sqrt(cpu.mul(a, a)),
    gate: (a) => cpu.gate(a, "gelu"),
    sum: (a) => cpu.sum(a, ["x"]),
    "sum over nothing": (a) => cpu.sum(a, []),
    "matmul, right": (a, b) => cpu.matmul(cpu.rename(b, { x: "z" }), a, ["y"]),
    "matmul, left": (a, b) => cpu.matmul(a, cpu.rename(b, { x: "z" }), ["y"], ["z", "x"]),
    "matmul over the slowest axis": (a, b) => cpu.matmul(a, cpu.rename(b, { y: "z" }), ["x"]),
    "matmul, batched": (a, b) => cpu.matmul(a, cpu.rename(b, { y: "z" }), []),
    "matmul of itself": (a) => cpu.matmul(a, cpu.rename(a, { x: "z" }), ["y"]),
    center: (a) => cpu.center(a, "y"),
    rms: (a) => cpu.rms(a, "x", 1e-5),
    softmax: (a) => cpu.softmax(a, "y"),
    logsumexp: (a) => cpu.logsumexp(a, "x"),
    rotary: (a) => cpu.rotary(a, "y", "x", table),
  };
  test.each(Object.entries(uses))("%s gives the same bits, and leaves nothing behind", (_, use) => {
    for (const half of halves) {
      const { kept, full } = both({ x: 5, y: 6 }, half);
      const other = constant({ x: 5, y: 6 });
      cpu.free(use(full, other)); // rotation tables are made once and kept
      const before = cpu.memory.used;
      cpu.scope(() => {
        expect(cpu.read(use(kept, other))).toEqual(cpu.read(use(full, other)));
      });
      expect(cpu.memory.used).toBe(before);
      cpu.free([kept, full, other]);
    }
  });

  test("layouts keep the 16 bits, and their room", () => {
    cpu.scope(() => {
      const before = cpu.memory.used;
      const kept = cpu.writtenHalf({ x: 64, y: 32 }, "bf16", (bits) => bits.fill(1));
      expect(cpu.memory.used - before).toBe(2 * 64 * 32);
      const arranged = cpu.arrange(kept, ["x"]);
      expect(cpu.memory.used - before).toBe(4 * 64 * 32);
      expect([kept.half, arranged.half]).toEqual(["bf16", "bf16"]);
      expect(cpu.split(kept, "x", { u: 8, v: 8 }).half).toBe("bf16");
      expect(cpu.take(kept, "x", ids).half).toBeUndefined();
    });
  });

  test("what an operation widens is freed after it, also where it throws", () => {
    const { kept } = both({ x: 50, y: 60 }, "f16");
    const before = cpu.memory.used;
    cpu.free(cpu.exp(kept));
    expect(() => cpu.rotary(kept, "y", "x", table)).toThrow();
    expect(() => cpu.matmul(kept, kept, ["z"])).toThrow();
    expect(cpu.memory.used).toBe(before);
    cpu.free(kept);
    expect(() => cpu.exp(kept)).toThrow(expect.objectContaining({ code: "cpu/freed" }));
  });

  test("a product of a large matrix takes little room, and has the same bits", () => {
    const shape = { vocab: 9000, d: 1024 };
    const { kept, full } = both(shape, "bf16");
    for (const pos of [1, 3, 20]) {
      const x = constant({ pos, d: 1024 });
      for (const product of [
        (w: CpuTensor) => cpu.matmul(x, w, ["d"]),
        (w: CpuTensor) => cpu.matmul(w, x, ["d"], ["pos", "vocab"]),
      ]) {
        const got = product(kept);
        const expected = product(full);
        expect(Buffer.compare(bytesOf(cpu.read(got).data), bytesOf(cpu.read(expected).data))).toBe(
          0,
        );
        cpu.free([got, expected]);
      }
      cpu.free(x);
    }
    cpu.free([kept, full]);
  });

  test("derivatives go through it", () => {
    const { kept, full } = both({ x: 5, y: 6 }, "f16");
    const gradient = (w: CpuTensor) =>
      cpu.scope(() => {
        const tape = adjoint(cpu);
        const [node, input] = [tape.variable(w), tape.variable(constant({ pos: 4, y: 6 }))];
        const output = tape.exp(tape.matmul(input, node, ["y"]));
        const made = tape.gradients(output, cpu.fill(output.shape, 1), [node, input]);
        return made.map((of) => cpu.read(of));
      });
    expect(gradient(kept)).toEqual(gradient(full));
  });
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength); // read() gives memory that is not shared
}
