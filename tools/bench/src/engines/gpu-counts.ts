/** What a page does with WebGPU, by count, whoever does it: the browser's own functions are watched. */
export interface GpuCounts extends Record<string, number> {
  dispatches: number;
  /** Command buffers handed over. */
  commands: number;
  pipelines: number;
  /** Bytes of all buffers that kernels see, each as large as it is bound: buffers of a pool may be larger than what is in them. */
  bound: number;
  /** Bytes that went to the device, and that came back. */
  written: number;
  read: number;
  buffers: number;
}

/** `GPUMapMode.READ` */
const MAP_READ = 1;

/** Starts to watch; undefined where there is no WebGPU. */
export function watchGpu(): GpuCounts | undefined {
  if (typeof GPUDevice === "undefined") return undefined;
  const counts: GpuCounts = {
    ...{ dispatches: 0, commands: 0, pipelines: 0 },
    ...{ bound: 0, written: 0, read: 0, buffers: 0 },
  };
  const sizes = new WeakMap<GPUBindGroup, number>();
  const held = new WeakMap<GPUComputePassEncoder, Map<number, number>>();
  before(GPUDevice.prototype, "createBuffer", ([{ size, mappedAtCreation }]) => {
    counts.buffers++;
    if (mappedAtCreation === true) counts.written += size;
  });
  before(GPUDevice.prototype, "createComputePipeline", () => void counts.pipelines++);
  before(GPUDevice.prototype, "createComputePipelineAsync", () => void counts.pipelines++);
  before(GPUQueue.prototype, "writeBuffer", ([, , data, start = 0, size]) => {
    // Places and sizes of typed arrays are in their elements.
    const unit = "BYTES_PER_ELEMENT" in data ? Number(data.BYTES_PER_ELEMENT) : 1;
    counts.written += size === undefined ? data.byteLength - unit * start : unit * size;
  });
  before(GPUQueue.prototype, "submit", ([buffers]) => {
    counts.commands += [...buffers].length;
  });
  before(GPUBuffer.prototype, "mapAsync", ([mode, start = 0, size], buffer) => {
    if ((mode & MAP_READ) !== 0) counts.read += size ?? buffer.size - start;
  });
  after(GPUDevice.prototype, "createBindGroup", ([{ entries }], group) => {
    let sum = 0;
    for (const { resource } of entries) {
      if (resource instanceof GPUBuffer) sum += resource.size;
      else if ("buffer" in resource)
        sum += resource.size ?? resource.buffer.size - (resource.offset ?? 0);
    }
    sizes.set(group, sum);
  });
  before(GPUComputePassEncoder.prototype, "setBindGroup", ([index, group], pass) => {
    const groups = held.get(pass) ?? new Map<number, number>();
    groups.set(index, group === null || group === undefined ? 0 : (sizes.get(group) ?? 0));
    held.set(pass, groups);
  });
  const dispatched = (_: unknown, pass: GPUComputePassEncoder): void => {
    counts.dispatches++;
    for (const size of held.get(pass)?.values() ?? []) counts.bound += size;
  };
  before(GPUComputePassEncoder.prototype, "dispatchWorkgroups", dispatched);
  before(GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", dispatched);
  return counts;
}

type Method = (...given: never[]) => unknown;

/** Puts a look before a method of a class of the browser. */
function before<C extends object, N extends keyof C>(
  kind: C,
  name: N,
  look: (given: Given<C[N]>, on: C) => void,
): void {
  wrap(kind, name, (method, given, on) => {
    look(given, on);
    return method.apply(on, given);
  });
}

function after<C extends object, N extends keyof C>(
  kind: C,
  name: N,
  look: (given: Given<C[N]>, result: Result<C[N]>) => void,
): void {
  wrap(kind, name, (method, given, on) => {
    const result = method.apply(on, given) as Result<C[N]>; // what the method gives
    look(given, result);
    return result;
  });
}

type Given<M> = M extends (...given: infer G) => unknown ? G : never;
type Result<M> = M extends (...given: never[]) => infer R ? R : never;

function wrap<C extends object, N extends keyof C>(
  kind: C,
  name: N,
  use: (method: Method, given: Given<C[N]> & never[], on: C) => unknown,
): void {
  const method = kind[name] as Method; // the caller names a method
  Object.defineProperty(kind, name, {
    value(this: C, ...given: Given<C[N]> & never[]) {
      return use(method, given, this);
    },
    configurable: true,
    writable: true,
  });
}
