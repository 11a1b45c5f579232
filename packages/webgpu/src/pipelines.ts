import type { Kernel } from "./code.ts";
import type { Counting } from "./counts.ts";
import type { Span } from "./parts.ts";

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
  /** Those that are being compiled, by their text. */
  readonly #ahead = new Map<string, Promise<void>>();
  readonly #layouts = new Map<
    string,
    { readonly group: GPUBindGroupLayout; readonly all: GPUPipelineLayout }
  >();

  constructor(device: GPUDevice, counts: Counting) {
    this.#device = device;
    this.#counts = counts;
  }

  /** A kernel, compiled now where it was not ahead. */
  of({ text, leaves, outputs }: Kernel): Compiled {
    let found = this.#compiled.get(text);
    if (found === undefined) {
      const { group, all } = this.#layout(buffersIn(leaves), buffersIn(outputs));
      const module = this.#device.createShaderModule({ code: text });
      const pipeline = this.#device.createComputePipeline({ layout: all, compute: { module } });
      found = this.#keep(text, { pipeline, layout: group });
    }
    return found;
  }

  /** Has a kernel compiled while the host goes on. */
  async ahead({ text, leaves, outputs }: Kernel): Promise<void> {
    if (this.#compiled.has(text) || this.#ahead.has(text)) return await this.#ahead.get(text);
    const { group, all } = this.#layout(buffersIn(leaves), buffersIn(outputs));
    const module = this.#device.createShaderModule({ code: text });
    const compiling = this.#device
      .createComputePipelineAsync({ layout: all, compute: { module } })
      .then((pipeline) => {
        // Whoever could not wait has compiled it meanwhile.
        if (!this.#compiled.has(text)) this.#keep(text, { pipeline, layout: group });
      })
      .finally(() => this.#ahead.delete(text));
    this.#ahead.set(text, compiling);
    await compiling;
  }

  #keep(text: string, compiled: Compiled): Compiled {
    this.#compiled.set(text, compiled);
    this.#counts.pipelines++;
    return compiled;
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

/** How many buffers some tensors are seen in. */
function buffersIn(spans: readonly (Span | { readonly parts: Span })[]): number {
  return spans.reduce((sum, each) => {
    const [from, to] = "parts" in each ? each.parts : each;
    return sum + to - from;
  }, 0);
}
