import type { Launch } from "./launch.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Block } from "./pool.ts";
import type { Runner } from "./queue.ts";
import type { Traits } from "./traits.ts";

/** A queue that compiles kernels and runs none: what is read from it is 0. */
export class Rehearsal implements Runner {
  readonly traits: Traits;
  readonly batch = 0;
  readonly pool: Runner["pool"] = {
    give: () => {},
    isFull: () => false,
    use: { used: 0, most: 0, limit: Number.POSITIVE_INFINITY },
  };
  readonly #pipelines: Pipelines;
  readonly #compiling: Promise<void>[] = [];

  constructor({ traits, pipelines }: { traits: Traits; pipelines: Pipelines }) {
    this.traits = traits;
    this.#pipelines = pipelines;
  }

  check(): void {}

  take(): Block {
    return [];
  }

  write(): void {}

  run({ kernel, workgroups }: Launch): void {
    if (workgroups > 0) this.#compiling.push(this.#pipelines.ahead(kernel));
  }

  async read(_block: Block, _start: number, bytes: number): Promise<ArrayBuffer> {
    await this.finished();
    return new ArrayBuffer(bytes);
  }

  submit(): void {}

  async finished(): Promise<void> {
    await Promise.all(this.#compiling.splice(0));
  }
}
