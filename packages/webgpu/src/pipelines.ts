import type { Counting } from "./counts.ts";

/** A kernel that is compiled. */
export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** GPUShaderStage.COMPUTE */
const COMPUTE = 4;

/** The kernels of a device, each compiled once. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #counts: Counting;
  readonly #compiled = new Map<string, Compiled>();
  readonly #layouts = new Map<
    string,
    { readonly group: GPUBindGroupLayout; readonly all: GPUPipelineLayout }
  >();

  constructor(device: GPUDevice, counts: Counting) {
    this.#device = device;
    this.#counts = counts;
  }

  of(text: string, reads: number, writes: number): Compiled {
    let found = this.#compiled.get(text);
    if (found === undefined) {
      const { group, all } = this.#layout(reads, writes);
      const module = this.#device.createShaderModule({ code: text });
      const pipeline = this.#device.createComputePipeline({ layout: all, compute: { module } });
      found = { pipeline, layout: group };
      this.#compiled.set(text, found);
      this.#counts.pipelines++;
    }
    return found;
  }

  #layout(reads: number, writes: number): { group: GPUBindGroupLayout; all: GPUPipelineLayout } {
    const key = `${reads} ${writes}`;
    let found = this.#layouts.get(key);
    if (found === undefined) {
      const group = this.#device.createBindGroupLayout({
        entries: [
          {
            binding: 0,
            visibility: COMPUTE,
            buffer: { type: "uniform", hasDynamicOffset: true },
          },
          ...Array.from({ length: reads + writes }, (_, i) => ({
            binding: i + 1,
            visibility: COMPUTE,
            buffer: { type: i < reads ? ("read-only-storage" as const) : ("storage" as const) },
          })),
        ],
      });
      found = { group, all: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, found);
    }
    return found;
  }
}
