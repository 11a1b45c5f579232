import { InputError, type Shape, sizeOf } from "@resolvent/tensor";
import { handlesIn, Scopes } from "@resolvent/tensor/rules";
import { emit } from "./emit.ts";
import { type Group, grouped } from "./groups.ts";
import { type Node, recorded, type Source, usedBy, type Work } from "./node.ts";
import { wordsOf } from "./parts.ts";
import type { Block } from "./pool.ts";
import type { Runner } from "./queue.ts";
import { type Form, isTensor, type Making, WebgpuTensor } from "./tensor.ts";

/** So many operations are recorded before they are made, where nobody asks for numbers. */
const MOST_RECORDED = 4096;

/** So many bytes from the host wait for what was recorded, where nobody asks for numbers; at most a share of the limit. */
const MOST_HELD = 256 * 2 ** 20;
const SHARE_HELD = 1 / 8;

/** Entries that kernels count: some threads past the last must count too. */
const MOST_ENTRIES = 2 ** 32 - 2 ** 16;

/** Something on the host that waits for the numbers of a node; `then` runs once the commands are handed over. */
interface Asked {
  readonly node: Node;
  readonly use: (block: Block) => (() => void) | undefined;
  readonly reject: (error: unknown) => void;
}

/**
 * Operations that are recorded, and made when numbers are asked for: by then scopes have said what nobody will need,
 * which is made on the way, in the kernel of what needs it.
 */
export class Graph {
  readonly queue: Runner;
  readonly #scopes: Scopes<WebgpuTensor> = new Scopes(isTensor, (tensor) => this.#drop(tensor));
  readonly #recorded = new Set<Node>();
  readonly #own = new WeakSet<Making>();
  #asked: Asked[] = [];
  /** Bytes of numbers from the host that only what is recorded still needs. */
  #held = 0;

  constructor(queue: Runner) {
    this.queue = queue;
  }

  scope<R>(body: () => R): R {
    return this.#scopes.run(body);
  }

  outsideScopes<R>(body: () => R): R {
    return this.#scopes.outside(body);
  }

  /** Frees the tensors in a value; those that are freed already stay so. */
  free(value: unknown): void {
    for (const tensor of handlesIn(value, isTensor)) {
      if (tensor.node !== undefined) this.see(tensor);
      this.#drop(tensor);
    }
  }

  /** A tensor that is made later. */
  record(work: Work, shape: Shape, sources: readonly Source[], form?: Form): WebgpuTensor {
    this.queue.check();
    if (this.#recorded.size >= MOST_RECORDED) this.flush();
    const node = recorded(work, checkedSize(shape), sources, form);
    this.#own.add(node);
    this.#recorded.add(node);
    return this.#scopes.made(new WebgpuTensor(shape, node, 0));
  }

  /** A tensor that shows part of another: the same numbers, `skip` of them later, under another shape. */
  view(a: WebgpuTensor, shape: Shape, skip = 0): WebgpuTensor {
    return this.#scopes.made(new WebgpuTensor(shape, this.see(a), a.start + skip));
  }

  /** A tensor of numbers from the host. */
  stored(shape: Shape, data: ArrayBufferView<ArrayBuffer>, form: Form = "f32"): WebgpuTensor {
    const node = this.#store(checkedSize(shape), data, form);
    return this.#scopes.made(new WebgpuTensor(shape, node, 0));
  }

  /** A tensor of numbers that nobody will look at. */
  blank(shape: Shape, form: Form = "f32"): WebgpuTensor {
    const node = this.#stored(checkedSize(shape), form, this.queue.take(0));
    return this.#scopes.made(new WebgpuTensor(shape, node, 0));
  }

  /** A list of whole numbers for the operation that is recorded next. */
  list(data: Int32Array): Node {
    const list = Int32Array.from(data);
    return this.#store(data.length, list, "u32", { type: "stored", list });
  }

  #store(
    size: number,
    data: ArrayBufferView<ArrayBuffer>,
    form: Form,
    work: Work = { type: "stored" },
  ): Node {
    this.queue.check();
    // Weights that are read layer by layer are let go before those of the next layer come.
    const { pool } = this.queue;
    const most = Math.min(MOST_HELD, SHARE_HELD * pool.use.limit);
    if (this.#held > most || pool.isFull(data.byteLength)) this.flush();
    const block = this.queue.take(data.byteLength, this.queue.batch);
    if (data.byteLength > 0) this.queue.write(block, data);
    return this.#stored(size, form, block, work);
  }

  #stored(size: number, form: Form, block: Block, work: Work = { type: "stored" }): Node {
    const node = recorded(work, size, [], form);
    this.#own.add(node);
    node.block = block;
    return node;
  }

  /**
   * The node of a tensor.
   * @throws InputError `webgpu/freed`, `webgpu/foreign`
   */
  see({ node, shape }: WebgpuTensor): Node {
    if (node === undefined) {
      throw new InputError({
        code: "webgpu/freed",
        message: "A tensor was used after it was freed.",
        remedy: "Return it from scope(), or free it later.",
        details: { shape },
      });
    }
    if (!this.#isOwn(node)) {
      throw new InputError({
        code: "webgpu/foreign",
        message: "A tensor of another engine was used.",
        remedy: "Read it there and make a constant here.",
        details: { shape },
      });
    }
    return node;
  }

  #isOwn(node: Making): node is Node {
    return this.#own.has(node);
  }

  /** Asks for the numbers of a node with all others that are asked for before the caller awaits. */
  ask(asked: Asked): void {
    asked.node.handles++;
    if (this.#asked.push(asked) > 1) return;
    queueMicrotask(() => {
      try {
        this.flush();
      } catch {
        // Those who asked have been told.
      }
    });
  }

  /** Makes everything that is recorded and still needed. */
  flush(): void {
    const asked = this.#asked.splice(0);
    try {
      this.#make();
      const after = asked.map(({ node, use }) => use(blockOf(node)));
      this.queue.submit();
      for (const done of after) done?.();
    } catch (error) {
      for (const { reject } of asked) reject(error);
      throw error;
    } finally {
      for (const { node } of asked) this.#release(node);
    }
  }

  #make(): void {
    const groups = grouped([...this.#recorded], this.queue.traits);
    this.#recorded.clear();
    this.#held = 0;
    let at = 0;
    try {
      for (; at < groups.length; at++) this.#emit(groups[at] as Group); // within
    } catch (error) {
      for (const group of groups.slice(at)) {
        group.root.failed = error;
        this.#done(group);
      }
      throw error;
    }
  }

  #emit(group: Group): void {
    const { root } = group;
    const { queue } = this;
    const block = queue.take(bytesOf(root));
    try {
      for (const launch of emit(group, queue.traits)) {
        const blocks = launch.kernel.leaves.map(({ node }) => blockOf(node));
        queue.run(launch, blocks, [block]);
      }
    } catch (error) {
      queue.pool.give(block);
      throw error;
    }
    root.block = block;
    this.#done(group);
  }

  /** Lets go of what a group was made of. */
  #done({ levels, root }: Group): void {
    const leaves = new Set<Node>();
    for (const node of levels.keys()) {
      for (const used of usedBy(node)) {
        used.users.delete(node);
        if (!levels.has(used)) leaves.add(used);
      }
      node.sources = [];
    }
    for (const leaf of leaves) this.#settle(leaf);
    this.#settle(root);
  }

  #drop(tensor: WebgpuTensor): void {
    const { node } = tensor;
    if (node === undefined || !this.#isOwn(node)) return;
    tensor.node = undefined;
    this.#release(node);
  }

  #release(node: Node): void {
    node.handles--;
    if (node.handles === 0 && node.users.size > 0 && node.block !== undefined)
      this.#held += bytesOf(node);
    this.#settle(node);
  }

  /** Frees what nobody needs, and what only that needs. */
  #settle(first: Node): void {
    const open = [first];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.handles > 0 || node.users.size > 0) continue;
      if (node.block !== undefined) this.queue.pool.give(node.block);
      node.block = undefined;
      if (!this.#recorded.delete(node)) continue;
      for (const used of usedBy(node)) {
        used.users.delete(node);
        open.push(used);
      }
      node.sources = [];
    }
  }
}

function checkedSize(shape: Shape): number {
  const size = sizeOf(shape);
  if (size <= MOST_ENTRIES) return size;
  throw new InputError({
    code: "webgpu/too-large",
    message: `A tensor would have ${size} entries, and kernels count to ${MOST_ENTRIES}.`,
    remedy: "Use fewer prompts or positions at a time, or the cpu engine.",
    details: { size, limit: MOST_ENTRIES },
  });
}

/** Where a node's numbers are. */
function blockOf(node: Node): Block {
  if (node.block !== undefined) return node.block;
  throw node.failed;
}

function bytesOf({ size, form }: Node): number {
  return 4 * wordsOf(size, form);
}
