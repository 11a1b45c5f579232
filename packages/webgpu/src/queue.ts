import { InputError, InternalError, isInputError } from "@resolvent/tensor";
import { Answers, type Wanted } from "./answers.ts";
import { type Counting, noWork, type WorkCounts } from "./counts.ts";
import type { Launch } from "./launch.ts";
import type { Buffers } from "./parts.ts";
import { Pipelines } from "./pipelines.ts";
import { type Block, type Part, Pool, USAGE } from "./pool.ts";
import { PLAIN, type Traits } from "./traits.ts";

/** Bytes of the sizes, steps and factors of one batch of kernels. */
const PARAMS = 2 ** 20;

/** Workgroups along one dimension, in every adapter. */
const MOST_WORKGROUPS = 65535;

/** A copy of bytes to the host that waits for its batch. */
interface Waiting extends Wanted {
  readonly resolve: (bytes: ArrayBuffer) => void;
  readonly reject: (error: unknown) => void;
}

/** What a queue keeps to, and what it may use. */
export interface QueueOptions extends Partial<Omit<Traits, keyof Buffers>> {
  /** Bytes that may be in use. */
  readonly limit: number;
  /** Bytes of the largest buffer. */
  readonly part: number;
}

/** What kernels are handed to. */
export interface Runner
  extends Pick<
    Queue,
    "traits" | "batch" | "check" | "take" | "write" | "run" | "read" | "submit" | "finished"
  > {
  readonly pool: Pick<Pool, "give" | "isFull" | "use">;
}

/** The device's queue: kernels are gathered in one command buffer until numbers are read or there are many. */
export class Queue implements Runner {
  readonly device: GPUDevice;
  readonly pool: Pool;
  readonly traits: Traits;
  /** Number of the batch that is gathered. */
  batch = 0;
  readonly #counts: Counting = noWork();
  readonly pipelines: Pipelines;
  readonly #params: GPUBuffer;
  readonly #words = new Uint32Array(PARAMS / 4);
  readonly #alignment: number;
  #bytes = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #waiting: Waiting[] = [];
  #failure: unknown;

  constructor(device: GPUDevice, { limit, part, ...can }: QueueOptions) {
    this.device = device;
    this.pool = new Pool(device, this.#counts, limit, part);
    const most = device.limits.maxStorageBuffersPerShaderStage;
    this.traits = { ...PLAIN, ...can, words: part / 4, most };
    this.pipelines = new Pipelines(device, this.#counts);
    this.#alignment = device.limits.minUniformBufferOffsetAlignment;
    this.#params = device.createBuffer({ size: PARAMS, usage: USAGE.uniform | USAGE.copyTarget });
    void device.lost.then(({ reason, message }) => {
      this.#failure ??= lostError(reason, message);
    });
    device.onuncapturederror = ({ error }) => {
      this.#failure ??= errorOf(error);
    };
  }

  get counts(): WorkCounts {
    return { ...this.#counts };
  }

  /** What everything after it throws; undefined where nothing went wrong. */
  get failure(): unknown {
    return this.#failure;
  }

  /** @throws InputError `webgpu/device-lost`, `webgpu/closed`, `webgpu/out-of-memory` of what came before */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets go of what it holds of the device, which others use. */
  end(): void {
    this.submit();
    this.#params.destroy();
    this.pool.empty();
  }

  /** Ends the device: everything after this throws `webgpu/closed`. */
  close(): void {
    this.#failure ??= new InputError({
      code: "webgpu/closed",
      message: "The webgpu engine was closed.",
      remedy: "Close it when nothing is computed any more.",
    });
    this.#encoder = undefined;
    this.#pass = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    this.device.destroy();
  }

  /** Buffers of at least so many bytes together; those that are kept for later make room where it is short. */
  take(bytes: number, before?: number): Block {
    if (this.pool.isCrowded(bytes)) {
      this.submit();
      this.pool.trim(bytes);
    }
    return this.pool.take(bytes, before);
  }

  /** Bytes into buffers that no command of this batch uses. */
  write(block: Block, data: ArrayBufferView<ArrayBuffer>): void {
    this.check();
    const { byteLength, byteOffset } = data;
    for (const [i, { buffer }] of block.entries()) {
      const at = i * this.pool.part;
      const bytes = Math.min(this.pool.part, byteLength - at);
      this.device.queue.writeBuffer(buffer, 0, data.buffer, byteOffset + at, bytes);
    }
    this.#counts.bytesWritten += byteLength;
  }

  /** Runs a kernel after those before it, on what it reads and writes in the order of its bindings. */
  run({ kernel, workgroups }: Launch, reads: readonly Block[], writes: readonly Block[]): void {
    this.check();
    if (workgroups === 0) return;
    const { params } = kernel;
    const read = reads.flatMap((block, i) => block.slice(...(kernel.leaves[i]?.parts ?? [0])));
    const written = writes.flatMap((block, i) => block.slice(...(kernel.outputs[i] ?? [0])));
    const parts: readonly Part[] = [...read, ...written];
    const bytes = Math.max(16, 16 * Math.ceil(params.length / 4));
    if (this.#bytes + bytes > PARAMS) this.submit();
    const { pipeline, layout } = this.pipelines.of(kernel);
    this.#words.set(params, this.#bytes / 4);
    const group = this.device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.#params, size: bytes } },
        ...parts.map(({ buffer }, i) => ({ binding: i + 1, resource: { buffer } })),
      ],
    });
    this.#encoder ??= this.device.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(pipeline);
    this.#pass.setBindGroup(0, group, [this.#bytes]);
    const y = Math.ceil(workgroups / MOST_WORKGROUPS);
    this.#pass.dispatchWorkgroups(Math.ceil(workgroups / y), y);
    this.#bytes = Math.ceil((this.#bytes + bytes) / this.#alignment) * this.#alignment;
    this.#counts.dispatches++;
    for (const part of parts) {
      part.batch = this.batch;
      this.#counts.bytesMoved += part.size;
    }
  }

  /** Bytes of a buffer as they are after the kernels that are gathered; they come with the next `submit`. */
  read(block: Block, start: number, bytes: number): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ block, start, bytes, resolve, reject });
    });
  }

  /** Waits until the device has done what it was given. */
  async finished(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Hands what is gathered to the device. */
  submit(): void {
    const waiting = this.#waiting.splice(0);
    if (this.#encoder === undefined && waiting.length === 0) return;
    const { device } = this;
    this.#pass?.end();
    const encoder = this.#encoder ?? device.createCommandEncoder();
    this.#encoder = undefined;
    this.#pass = undefined;
    const answers = new Answers(device, encoder, waiting, this.pool.part);
    if (this.#bytes > 0)
      device.queue.writeBuffer(this.#params, 0, this.#words.buffer, 0, this.#bytes);
    this.#bytes = 0;
    device.queue.submit([encoder.finish()]);
    this.#counts.commandBuffers++;
    this.batch++;
    this.pool.trim();
    if (waiting.length > 0) void this.#answer(answers, waiting);
  }

  async #answer(answers: Answers, waiting: readonly Waiting[]): Promise<void> {
    try {
      const numbers = await answers.come(this.device);
      this.check();
      this.#counts.reads++;
      for (const [i, { bytes, resolve }] of waiting.entries()) {
        resolve(numbers[i] as ArrayBuffer); // one for each
        this.#counts.bytesRead += bytes;
      }
    } catch (cause) {
      const error = this.#failure ?? cause;
      for (const { reject } of waiting) reject(error);
    } finally {
      answers.end();
    }
  }
}

function lostError(reason: string, message: string): InputError {
  return new InputError({
    code: "webgpu/device-lost",
    message: `The device was lost (${reason}): ${message}`,
    remedy: "Make a new engine and load the model again, or use the cpu engine.",
    details: { reason },
  });
}

/** What the device says is wrong: too little memory, which is the caller's to know, or a kernel of ours. */
function errorOf(error: GPUError): unknown {
  if (isInputError(error)) return error;
  if (error.constructor.name === "GPUOutOfMemoryError") {
    return new InputError({
      code: "webgpu/out-of-memory",
      message: `The device has no memory left: ${error.message}`,
      remedy: "Make a new engine with a smaller model or input, or use the cpu engine.",
    });
  }
  return new InternalError({
    code: "webgpu/refused",
    message: `The device refuses what it was told: ${error.message}`,
  });
}
