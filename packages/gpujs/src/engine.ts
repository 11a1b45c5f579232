import {
  type Axis,
  type GateKind,
  InputError,
  reference,
  type Shape,
  type SyncEngine,
  sizeOf,
  type Tensor,
  widenHalf,
} from "@resolvent/tensor";
import {
  binaryShape,
  checkShape,
  matmulRoles,
  matmulShape,
  scopeResult,
} from "@resolvent/tensor/rules";
import { type Device, deviceOf } from "./device.ts";
import { inF32, numbersOf, onHost } from "./host.ts";
import type { KernelName } from "./kernels.ts";
import { GPUJS_MODES, type GpujsMode } from "./modes.ts";
import { center, logsumexp, rms, softmax, sum } from "./rows.ts";
import { faultOf } from "./trial.ts";

/** What a gpujs engine is made of. */
export interface GpujsOptions {
  /** How gpu.js computes; default the first of `GPUJS_MODES` that is there and computes right. */
  readonly mode?: GpujsMode;
}

/** A gpujs engine: its numbers are on the host, in f32, and each operation takes them to gpu.js and back. */
export interface Gpujs extends SyncEngine<Tensor> {
  readonly name: "gpujs";
  readonly precision: "f32";
  readonly mode: GpujsMode;
  /** Why earlier modes are not used, one line each. */
  readonly notes: readonly string[];
  /** Why nothing can be computed any more: `close`, or the browser took WebGL away. */
  readonly failure: unknown;
  /** Ends its kernels. Numbers can still be read; computing throws `gpujs/closed`. */
  close(): Promise<void>;
}

/**
 * An engine on gpu.js, for where there is no better: WebGL2 in browsers, WebAssembly or plain JavaScript elsewhere.
 * Correct and slow; `hostOperations` says what it computes beside gpu.js. Each mode is tried on every kernel before it
 * is used.
 *
 * @throws InputError `gpujs/bad-option`; `gpujs/no-mode` where no mode computes right here
 */
export async function createGpujs({ mode }: GpujsOptions = {}): Promise<Gpujs> {
  if (mode !== undefined && !GPUJS_MODES.includes(mode)) {
    throw new InputError({
      code: "gpujs/bad-option",
      message: `createGpujs: expected mode to be one of ${GPUJS_MODES.join(", ")}, got ${JSON.stringify(mode)}.`,
      details: { name: "mode", got: mode },
    });
  }
  const notes: string[] = [];
  for (const one of mode === undefined ? GPUJS_MODES : [mode]) {
    const found = await tried(one, notes);
    if ("engine" in found) return found.engine;
    notes.push(`${one}: ${found.why}`);
  }
  throw new InputError({
    code: "gpujs/no-mode",
    message: `gpu.js computes right in no mode here. ${notes.join(" ")}`,
    remedy: "Use another engine: cpu runs everywhere.",
    details: { notes },
  });
}

async function tried(
  mode: GpujsMode,
  notes: readonly string[],
): Promise<{ readonly engine: Gpujs } | { readonly why: string }> {
  let device: Device | undefined;
  try {
    device = await deviceOf(mode);
    const engine = engineOf(device, notes);
    const why = faultOf(engine);
    if (why === undefined) return { engine };
    await device.close();
    return { why };
  } catch (error) {
    await device?.close();
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** The operations on a device. */
function engineOf(device: Device, notes: readonly string[]): Gpujs {
  const each = (name: KernelName, a: Tensor, ...args: readonly number[]): Tensor => ({
    shape: a.shape,
    data: device.run(name, [sizeOf(a.shape)], [numbersOf(a), ...args]),
  });
  const pairwise =
    (name: "add" | "sub" | "mul" | "div") =>
    (a: Tensor, b: Tensor): Tensor => {
      const shape = binaryShape(a.shape, b.shape, name);
      const [left, right] = [spread(a, shape), spread(b, shape)];
      return { shape, data: device.run(name, [sizeOf(shape)], [left, right]) };
    };
  return {
    name: "gpujs",
    precision: "f32",
    mode: device.mode,
    notes,
    get failure() {
      return device.failure;
    },
    close: () => device.close(),
    read: ({ shape, data }) => ({ shape, data: Float32Array.from(data) }),
    top: async (a, axis, k) => {
      const { indices, values } = await reference.top(a, axis, k);
      return { indices, values: inF32(values) };
    },
    written: (shape, write) => {
      const data = new Float32Array(sizeOf(checkShape(shape, "written")));
      write(data);
      return { shape, data };
    },
    writtenHalf: (shape, half, write) => {
      const bits = new Uint16Array(sizeOf(checkShape(shape, "writtenHalf")));
      write(bits);
      return { shape, data: widenHalf(bits, half, new Float32Array(bits.length)) };
    },
    free: () => {},
    scope: (body) => scopeResult(body()),
    ...onHost,
    add: pairwise("add"),
    sub: pairwise("sub"),
    mul: pairwise("mul"),
    div: pairwise("div"),
    scale: (a, factor) => each("scale", a, factor),
    exp: (a) => each("exp", a),
    log: (a) => each("log", a),
    sqrt: (a) => each("sqrt", a),
    gate: (a, kind: GateKind) => each(kind, a),
    sum: (a, axes) => sum(device, a, axes),
    matmul: (a, b, over, last) => matmul(device, a, b, over, last),
    center: (a, axis) => center(device, a, axis),
    rms: (a, axis, eps) => rms(device, a, axis, eps),
    softmax: (a, axis, mask) => softmax(device, a, axis, mask),
    logsumexp: (a, axis) => logsumexp(device, a, axis),
  };
}

/** The numbers of a tensor for each entry of a shape that has its axes. */
function spread(a: Tensor, shape: Shape): Float32Array {
  const more = Object.fromEntries(Object.entries(shape).filter(([axis]) => !(axis in a.shape)));
  return numbersOf(onHost.arrange(onHost.broadcast(a, more), Object.keys(shape)));
}

function matmul(
  device: Device,
  a: Tensor,
  b: Tensor,
  over: readonly Axis[],
  last?: readonly Axis[],
): Tensor {
  matmulShape(a.shape, b.shape, over, last);
  const shape = matmulShape(a.shape, b.shape, over, undefined);
  const { batch, left, right } = matmulRoles(a.shape, b.shape, over);
  const size = (from: Tensor, axes: readonly Axis[]): number =>
    axes.reduce((all, axis) => all * (from.shape[axis] as number), 1); // roles name axes of it
  const [rows, columns, terms] = [size(a, left), size(b, right), size(a, over)];
  const batches = size(a, batch);
  const one = batches === 1;
  const product =
    terms === 0
      ? onHost.fill(shape, 0)
      : {
          shape,
          data: device.run("product", one ? [columns, 1, rows] : [columns, rows, batches], [
            numbersOf(onHost.arrange(a, [...batch, ...left, ...over])),
            numbersOf(onHost.arrange(b, [...batch, ...right, ...over])),
            ...(one ? [terms, 1, 0] : [terms, rows, columns]),
          ]),
        };
  return last === undefined ? product : onHost.arrange(product, last);
}
