import { type Contender, cannot } from "./contender.ts";
import { operand, tokens, weight } from "./numbers.ts";
import { imported } from "./rivals.ts";
import type { EncodeTask, EngineTask, ModelTask, ProductTask } from "./task.ts";

/** What is used of jax-js. An operation takes its arrays away; `ref` is one more of an array that is needed again. */
interface Jax {
  init(...devices: readonly string[]): Promise<readonly string[]>;
  defaultDevice(device: string): string;
  jit(body: (...arrays: never[]) => JaxArray): (...arrays: readonly unknown[]) => JaxArray;
  readonly numpy: {
    array(numbers: Float32Array | Int32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    take(a: JaxArray, ids: JaxArray, axis: number): JaxArray;
    transpose(a: JaxArray): JaxArray;
    split(a: JaxArray, count: number, axis: number): readonly JaxArray[];
  };
  readonly nn: {
    standardize(x: JaxArray, axis: number, options: { readonly epsilon: number }): JaxArray;
    gelu(x: JaxArray, options: { readonly approximate: boolean }): JaxArray;
    dotProductAttention(
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      options: { readonly isCausal: boolean },
    ): JaxArray;
  };
  readonly lax: { topK(x: JaxArray, k: number): readonly [JaxArray, JaxArray] };
}
interface JaxArray {
  readonly ref: JaxArray;
  add(other: JaxArray): JaxArray;
  mul(other: JaxArray): JaxArray;
  sum(axis: number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  slice(...bounds: readonly (readonly [number, number] | readonly [])[]): JaxArray;
  data(): Promise<Float32Array>;
}

/** Compiled by `jit`, on its WebAssembly or WebGPU backend. */
export const jax =
  (on: "wasm" | "webgpu"): Contender =>
  async (task, { contestants }) => {
    const place = `${contestants}@jax-js/jax/dist/index.js`;
    const library = (await imported(place)) as Jax; // its own types are not installed here
    if (!(await library.init(on)).includes(on)) cannot(`backend ${on} here`);
    library.defaultDevice(on);
    const make = ready(library, task);
    return {
      is: `jax-js ${on}${on === "wasm" ? ", 1 thread" : ""}`,
      turn: () => make().data(),
      close: async () => {},
    };
  };

function ready(library: Jax, task: EngineTask): () => JaxArray {
  switch (task.kind) {
    case "product":
      return product(library, task);
    case "encode":
      return encoding(library, task);
    case "forward":
      return gpt2(library, task);
    default:
      return cannot(`way to do this (${task.kind})`);
  }
}

function product(
  { numpy, jit }: Jax,
  { batch, rows, terms, columns }: ProductTask,
): () => JaxArray {
  const outer = batch === 1 ? [] : [batch];
  const left = operand("a", batch * rows * terms);
  const right = numpy
    .array(operand("b", batch * terms * columns))
    .reshape([...outer, terms, columns]);
  const body = jit((a: JaxArray, b: JaxArray) => numpy.matmul(a, b).sum(outer.length));
  return () => body(numpy.array(left).reshape([...outer, rows, terms]), right.ref);
}

function encoding({ numpy, lax, jit }: Jax, { rows, d, features, k }: EncodeTask): () => JaxArray {
  const W = numpy.array(operand("W_enc", d * features)).reshape([d, features]);
  const bias = numpy.array(operand("b_enc", features));
  const vectors = operand("x", rows * d);
  const body = jit((x: JaxArray, w: JaxArray, b: JaxArray) => numpy.matmul(x, w).add(b));
  return () => {
    const dense = body(numpy.array(vectors).reshape([rows, d]), W.ref, bias.ref);
    return lax.topK(dense, k)[0];
  };
}

function gpt2({ numpy, nn, jit }: Jax, task: ModelTask): () => JaxArray {
  const { n_layer, n_head, n_embd: d, n_positions, vocab_size, layer_norm_epsilon } = task.config;
  const { pos } = task;
  const shapes: Record<string, readonly number[]> = {
    "wte.weight": [vocab_size, d],
    "wpe.weight": [n_positions, d],
  };
  const normed = (name: string): void => {
    shapes[`${name}.weight`] = [d];
    shapes[`${name}.bias`] = [d];
  };
  const linear = (name: string, from: number, to: number): void => {
    shapes[`${name}.weight`] = [from, to];
    shapes[`${name}.bias`] = [to];
  };
  for (let layer = 0; layer < n_layer; layer++) {
    normed(`h.${layer}.ln_1`);
    linear(`h.${layer}.attn.c_attn`, d, 3 * d);
    linear(`h.${layer}.attn.c_proj`, d, d);
    normed(`h.${layer}.ln_2`);
    linear(`h.${layer}.mlp.c_fc`, d, 4 * d);
    linear(`h.${layer}.mlp.c_proj`, 4 * d, d);
  }
  normed("ln_f");
  type Weights = Readonly<Record<string, JaxArray>>;
  const held = Object.entries(shapes).map(([name, shape]): [string, JaxArray] => {
    const numbers = weight(
      name,
      shape.reduce((a, b) => a * b, 1),
    );
    return [name, numpy.array(numbers).reshape(shape)];
  });
  const width = d / n_head;
  const body = jit((weights: Weights, ids: JaxArray) => {
    const of = (name: string): JaxArray => weights[name]?.ref ?? cannot(name);
    const norm = (name: string, x: JaxArray): JaxArray =>
      nn
        .standardize(x, -1, { epsilon: layer_norm_epsilon })
        .mul(of(`${name}.weight`))
        .add(of(`${name}.bias`));
    const dense = (name: string, x: JaxArray): JaxArray =>
      numpy.matmul(x, of(`${name}.weight`)).add(of(`${name}.bias`));
    let x = numpy.take(of("wte.weight"), ids, 0).add(of("wpe.weight").slice([0, pos], []));
    for (let layer = 0; layer < n_layer; layer++) {
      const at = `h.${layer}`;
      const reads = dense(`${at}.attn.c_attn`, norm(`${at}.ln_1`, x.ref));
      const [q, k, v] = numpy
        .split(reads, 3, 1)
        .map((part) => part.reshape([pos, n_head, width])) as [JaxArray, JaxArray, JaxArray]; // in three
      const heads = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([pos, d]);
      x = x.add(dense(`${at}.attn.c_proj`, heads));
      const hidden = dense(`${at}.mlp.c_fc`, norm(`${at}.ln_2`, x.ref));
      x = x.add(dense(`${at}.mlp.c_proj`, nn.gelu(hidden, { approximate: true })));
    }
    return numpy.matmul(norm("ln_f", x), numpy.transpose(of("wte.weight")));
  });
  const ids = Int32Array.from(tokens(task));
  return () =>
    body(Object.fromEntries(held.map(([name, array]) => [name, array.ref])), numpy.array(ids));
}
