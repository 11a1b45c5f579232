import {
  type Engine,
  InputError,
  type RotaryTable,
  sizeOf,
  type Tensor,
  widenHalf,
} from "@resolvent/tensor";
import {
  alongShape,
  checkShape,
  constantShape,
  renameShape,
  softmaxShape,
  splitShape,
} from "@resolvent/tensor/rules";
import { type AdapterReport, type Opened, openDevice } from "./adapter.ts";
import type { WorkCounts } from "./counts.ts";
import { Graph } from "./graph.ts";
import { arrange, broadcast, concat, join, put, slice, take } from "./layout.ts";
import { type Angles, along, fill, map, matmul, rotary, sum, zip } from "./operations.ts";
import type { MemoryUse } from "./pool.ts";
import { Queue } from "./queue.ts";
import { Rehearsal } from "./rehearsal.ts";
import type { WebgpuTensor } from "./tensor.ts";
import type { Tiles } from "./tiles.ts";
import { top } from "./top.ts";
import { PLAIN } from "./traits.ts";
import { fastestTiles } from "./trial.ts";

/** What a webgpu engine is made of. */
export interface WebgpuOptions {
  /** Another implementation of WebGPU; default the browser's, in Node that of the package `webgpu`. */
  readonly gpu?: GPU;
  /** Which of several adapters; default the faster one. */
  readonly powerPreference?: "high-performance" | "low-power";
  /** Bytes that tensors may take; default without limit, since devices do not say what they have. */
  readonly limit?: number;
  /** The most bytes of one buffer; larger tensors lie in several. Default what the adapter can. */
  readonly buffer?: number;
  /** Whether kernels are those for a processor that stands in for a GPU; default what the adapter says of itself. */
  readonly software?: boolean;
}

/** A webgpu engine: the operations, and what belongs to its lifetime. */
export interface Webgpu extends Engine<WebgpuTensor> {
  readonly name: "webgpu";
  readonly precision: "f32";
  /** What computes. */
  readonly adapter: AdapterReport;
  /** Bytes in use, the most that were, and the most there may be. */
  readonly memory: MemoryUse;
  /** What was done so far, in numbers that hold on any adapter. */
  readonly counts: WorkCounts;
  /** Why nothing can be computed any more: the device was lost or refused something, it has no memory left, or `close`. */
  readonly failure: unknown;
  read(a: WebgpuTensor): Promise<Tensor>;
  /**
   * Compiles the kernels of what is computed in `body`, in parallel and without computing it: all numbers that it reads
   * are 0, and what it writes is not asked for. For while weights load.
   *
   * ```ts
   * await Promise.all([loadModel(gpu, folder), gpu.ahead(async (ops) => {
   *   const model = await loadModel(ops, folder, { hash: false });
   *   await ops.read(run(ops, model, tokens).logits);
   * })]);
   * ```
   */
  ahead(body: (ops: Engine<WebgpuTensor>) => Promise<unknown>): Promise<void>;
  /** Makes what is recorded without reading it: for measurements, and to have the device work while the host goes on. */
  flush(): void;
  /** Waits until the device has done all that it was given. */
  finished(): Promise<void>;
  /** Ends the device. What is asked for afterwards throws `webgpu/closed`. */
  close(): Promise<void>;
}

/**
 * An engine on WebGPU, in browsers and in Node, where the package `webgpu` is installed. Numbers are f32.
 *
 * Operations are recorded and made when numbers are read. Chains of them are one kernel, so that what is freed before
 * is never written to memory.
 *
 * ```ts
 * const gpu = await createWebgpu();
 * const y = gpu.scope(() => gpu.gate(gpu.matmul(x, w, ["d_model"]), "gelu")); // one kernel
 * const { data } = await gpu.read(y);
 * ```
 *
 * @throws InputError `webgpu/no-webgpu`, `webgpu/no-adapter`, `webgpu/missing-limits`, `webgpu/no-device`, `webgpu/bad-option`
 */
export async function createWebgpu(options: WebgpuOptions = {}): Promise<Webgpu> {
  const { gpu, powerPreference = "high-performance" } = options;
  const { limit = Number.POSITIVE_INFINITY, buffer = Number.POSITIVE_INFINITY } = options;
  checkOption("limit", limit, 1);
  checkOption("buffer", buffer, BUFFER_STEP);
  const opened = await openDevice(gpu, powerPreference);
  const { device, adapter, gpu: source, lanes, halves } = opened;
  const part = BUFFER_STEP * Math.floor(Math.min(adapter.largestBuffer, buffer) / BUFFER_STEP);
  const { software = adapter.software } = options;
  const tiles = adapter.software ? PLAIN.tiles : await tilesOf(opened);
  const queue = new Queue(device, { lanes, halves, software, limit, part, tiles });
  return engineOf(queue, adapter, source);
}

/** Buffers of tensors in several are multiples of so many bytes. */
const BUFFER_STEP = 256;

/** What was fastest on each adapter, by what it says of itself. */
const known = new Map<string, Promise<Tiles>>();

/** The fastest tiles of an adapter, timed once. */
function tilesOf({ device, adapter, lanes, halves }: Opened): Promise<Tiles> {
  const key = JSON.stringify(adapter);
  const part = adapter.largestBuffer;
  const whole = { lanes, halves, limit: Number.POSITIVE_INFINITY, part };
  const found = known.get(key) ?? fastestTiles(device, whole);
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

function checkOption(name: "limit" | "buffer", got: number, least: number): void {
  if (got >= least) return;
  throw new InputError({
    code: "webgpu/bad-option",
    message: `createWebgpu: expected a ${name} of at least ${least} bytes, got ${got}.`,
    details: { name, got, least },
  });
}

function engineOf(queue: Queue, adapter: AdapterReport, source: GPU): Webgpu {
  const graph = new Graph(queue);
  const held = { source }; // as long as the engine
  return {
    ...operationsOf(graph),
    name: "webgpu",
    precision: "f32",
    adapter,
    get memory() {
      return queue.pool.use;
    },
    get counts() {
      return queue.counts;
    },
    get failure() {
      return queue.failure;
    },
    ahead: async (body) => {
      const rehearsal = new Rehearsal(queue);
      const blank = new Graph(rehearsal);
      await body({
        ...operationsOf(blank),
        name: "webgpu",
        precision: "f32",
        written: (shape) => blank.blank(checkShape(shape, "written")),
        writtenHalf: (shape, half) => blank.blank(checkShape(shape, "writtenHalf"), half),
      });
      blank.flush();
      await rehearsal.finished();
    },
    flush: () => graph.flush(),
    finished: async () => {
      graph.flush();
      await queue.finished();
    },
    close: async () => {
      queue.close();
      held.source = undefined as never; // Node ends a device whose source is let go
    },
  };
}

/** The operations on a graph, and what is read from it. */
function operationsOf(
  graph: Graph,
): Omit<Engine<WebgpuTensor>, "name" | "precision" | "read"> & Pick<Webgpu, "read"> {
  const tables = new WeakMap<RotaryTable, Angles>();
  const anglesOf = (table: RotaryTable): Angles => {
    let found = tables.get(table);
    if (found === undefined) {
      const shape = { positions: table.positions, pairs: table.pairs };
      found = graph.outsideScopes(() => ({
        cos: graph.stored(shape, Float32Array.from(table.cos)),
        sin: graph.stored(shape, Float32Array.from(table.sin)),
      }));
      tables.set(table, found);
    }
    return found;
  };
  /** What an operation makes on the way is freed, also where it throws. */
  const op = (body: () => WebgpuTensor): WebgpuTensor => graph.scope(body);
  return {
    read: (a) => read(graph, a),
    top: (a, axis, k) => top(graph, a, axis, k),
    free: (value) => graph.free(value),
    scope: (body) => graph.scope(body),

    written: (shape, write) => {
      const numbers = new Float32Array(sizeOf(checkShape(shape, "written")));
      write(numbers);
      return graph.stored(shape, numbers);
    },
    writtenHalf: (shape, half, write) => {
      const size = sizeOf(checkShape(shape, "writtenHalf"));
      const bits = new Uint16Array(2 * Math.ceil(size / 2)); // whole words
      write(bits.subarray(0, size));
      return graph.stored(shape, bits, half);
    },
    constant: (shape, data) =>
      graph.stored(constantShape(shape, data.length), Float32Array.from(data)),
    fill: (shape, value) => fill(graph, checkShape(shape, "fill"), value),
    rename: (a, names) => graph.view(a, renameShape(a.shape, names)),
    split: (a, axis, into) => graph.view(a, splitShape(a.shape, axis, into)),
    join: (a, axes, into) => op(() => join(graph, a, axes, into)),
    arrange: (a, axes) => arrange(graph, a, axes),
    slice: (a, axis, start, end) => slice(graph, a, axis, start, end),
    concat: (parts, axis) => concat(graph, parts, axis),
    broadcast: (a, axes) => broadcast(graph, a, axes),
    take: (a, axis, ids) => take(graph, a, axis, ids),
    put: (a, ids, axis, size) => op(() => put(graph, a, ids, axis, size)),

    add: (a, b) => zip(graph, a, b, "add"),
    sub: (a, b) => zip(graph, a, b, "sub"),
    mul: (a, b) => zip(graph, a, b, "mul"),
    div: (a, b) => zip(graph, a, b, "div"),
    scale: (a, factor) => map(graph, a, "scale", factor),
    exp: (a) => map(graph, a, "exp"),
    log: (a) => map(graph, a, "log"),
    sqrt: (a) => map(graph, a, "sqrt"),
    gate: (a, kind) => map(graph, a, kind),

    sum: (a, axes) => op(() => sum(graph, a, axes)),
    matmul: (a, b, over, last) => op(() => matmul(graph, a, b, over, last)),
    center: (a, axis) => {
      alongShape(a.shape, axis, "center");
      return along(graph, a, axis, a.shape, "center");
    },
    rms: (a, axis, eps) => along(graph, a, axis, alongShape(a.shape, axis, "rms"), "rms", { eps }),
    softmax: (a, axis, mask) =>
      along(graph, a, axis, softmaxShape(a.shape, axis, mask), "softmax", { mask }),
    logsumexp: (a, axis) =>
      along(graph, a, axis, alongShape(a.shape, axis, "logsumexp"), "logsumexp"),
    rotary: (a, axis, pos, table, options) =>
      rotary(graph, a, [axis, pos], table, anglesOf(table), options),
  };
}

/** Numbers as they are at the call: the tensor may be freed before they come. */
async function read(graph: Graph, a: WebgpuTensor): Promise<Tensor> {
  const { shape, start, half } = a;
  const size = sizeOf(shape);
  const first = half === undefined ? 4 * start : 4 * Math.floor(start / 2); // 16-bit numbers by whole words
  const end = half === undefined ? first + 4 * size : 4 * Math.ceil((start + size) / 2);
  const node = graph.see(a);
  const bytes = await new Promise<ArrayBuffer>((resolve, reject) => {
    graph.ask({
      ...{ node, reject },
      use: (block) => {
        graph.queue.read(block, first, end - first).then(resolve, reject);
        return undefined;
      },
    });
  });
  if (half === undefined) return { shape, data: new Float32Array(bytes) };
  const bits = new Uint16Array(bytes, start % 2 === 0 ? 0 : 2, size);
  return { shape, data: widenHalf(bits, half, new Float32Array(size)) };
}
