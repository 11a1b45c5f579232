import { type Contender, cannot, type Work } from "./contender.ts";
import { operand, tokens, weight } from "./numbers.ts";
import { scripted } from "./rivals.ts";
import type { EncodeTask, EngineTask, ModelTask, ProductTask } from "./task.ts";

/** What is used of TensorFlow.js. */
interface Tf {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  ready(): Promise<void>;
  tidy<R>(body: () => R): R;
  tensor(numbers: Float32Array | Int32Array, shape: readonly number[], type?: string): TfTensor;
  matMul(a: TfTensor, b: TfTensor, aTurned?: boolean, bTurned?: boolean): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor | number, b: TfTensor | number): TfTensor;
  sum(a: TfTensor, axis: number): TfTensor;
  mean(a: TfTensor, axis: number, keep: boolean): TfTensor;
  square(a: TfTensor): TfTensor;
  rsqrt(a: TfTensor): TfTensor;
  tanh(a: TfTensor): TfTensor;
  scalar(x: number): TfTensor;
  softmax(a: TfTensor): TfTensor;
  gather(a: TfTensor, ids: TfTensor): TfTensor;
  slice(a: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor;
  split(a: TfTensor, count: number, axis: number): TfTensor[];
  reshape(a: TfTensor, shape: readonly number[]): TfTensor;
  transpose(a: TfTensor, order: readonly number[]): TfTensor;
  topk(a: TfTensor, k: number): { readonly values: TfTensor };
  readonly fused: {
    matMul(of: { readonly a: TfTensor; readonly b: TfTensor; readonly bias: TfTensor }): TfTensor;
  };
  readonly wasm?: {
    setWasmPaths(place: string): void;
    setThreadsCount(count: number): void;
    getThreadsCount(): number;
  };
}
interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** TensorFlow.js on its WebAssembly or WebGPU backend. */
export const tfjs =
  (on: "wasm" | "webgpu"): Contender =>
  async (task, { threads, contestants }) => {
    const inNode = typeof document === "undefined";
    const backend = `@tensorflow/tfjs-backend-${on}`;
    const found = (await scripted(contestants, [
      { package: "@tensorflow/tfjs", file: "dist/tf.min.js" },
      { package: backend, file: `dist/tf-backend-${on}.min.js` },
    ])) as { readonly tf?: Tf } & Tf; // its own types are not installed here
    const tf = inNode ? found : (found.tf ?? cannot("global"));
    const wasm = inNode ? (found as unknown as Tf["wasm"]) : tf.wasm; // in Node functions of the package itself
    if (on === "wasm") {
      wasm?.setWasmPaths(`${contestants}${backend}/dist/`);
      wasm?.setThreadsCount(threads);
    }
    if (!(await tf.setBackend(on))) cannot(`backend ${on} here`);
    await tf.ready();
    const make = ready(tf, task);
    const count = on === "wasm" ? `, ${inNode ? 1 : (wasm?.getThreadsCount() ?? 1)} threads` : "";
    return {
      is: `tfjs ${tf.version_core} ${tf.getBackend()}${count}`,
      turn: async () => {
        const result = tf.tidy(make);
        const numbers = await result.data();
        result.dispose();
        return numbers;
      },
      close: async () => {},
    } satisfies Work;
  };

function ready(tf: Tf, task: EngineTask): () => TfTensor {
  switch (task.kind) {
    case "product":
      return product(tf, task);
    case "encode":
      return encoding(tf, task);
    case "forward":
      return gpt2(tf, task);
    default:
      return cannot(`way to do this (${task.kind})`);
  }
}

function product(tf: Tf, { batch, rows, terms, columns }: ProductTask): () => TfTensor {
  const outer = batch === 1 ? [] : [batch];
  const left = operand("a", batch * rows * terms);
  const right = tf.tensor(operand("b", batch * terms * columns), [...outer, terms, columns]);
  return () => tf.sum(tf.matMul(tf.tensor(left, [...outer, rows, terms]), right), outer.length);
}

function encoding(tf: Tf, { rows, d, features, k }: EncodeTask): () => TfTensor {
  const b = tf.tensor(operand("W_enc", d * features), [d, features]);
  const bias = tf.tensor(operand("b_enc", features), [features]);
  const vectors = operand("x", rows * d);
  return () => tf.topk(tf.fused.matMul({ a: tf.tensor(vectors, [rows, d]), b, bias }), k).values;
}

function gpt2(tf: Tf, task: ModelTask): () => TfTensor {
  const { n_layer, n_head, n_embd: d, n_positions, vocab_size, layer_norm_epsilon } = task.config;
  const { pos } = task;
  const stored = (name: string, ...shape: number[]): TfTensor =>
    tf.tensor(
      weight(
        name,
        shape.reduce((a, b) => a * b, 1),
      ),
      shape,
    );
  const norm = (name: string): ((x: TfTensor) => TfTensor) => {
    const [scale, shift] = [stored(`${name}.weight`, d), stored(`${name}.bias`, d)];
    return (x) => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const variance = tf.mean(tf.square(centred), -1, true);
      const factor = tf.rsqrt(tf.add(variance, tf.scalar(layer_norm_epsilon)));
      return tf.add(tf.mul(tf.mul(centred, factor), scale), shift);
    };
  };
  const dense = (name: string, from: number, to: number): ((x: TfTensor) => TfTensor) => {
    const [b, bias] = [stored(`${name}.weight`, from, to), stored(`${name}.bias`, to)];
    return (a) => tf.fused.matMul({ a, b, bias });
  };
  const gelu = (x: TfTensor): TfTensor => {
    const cubic = tf.mul(x, tf.add(tf.mul(tf.square(x), 0.044715), tf.scalar(1)));
    return tf.mul(
      tf.mul(x, 0.5),
      tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), tf.scalar(1)),
    );
  };
  const width = d / n_head;
  const later = Float32Array.from({ length: pos * pos }, (_, i) =>
    i % pos > Math.floor(i / pos) ? -1e9 : 0,
  );
  const mask = tf.tensor(later, [pos, pos]);
  const byHead = (x: TfTensor): TfTensor =>
    tf.transpose(tf.reshape(x, [pos, n_head, width]), [1, 0, 2]);
  const [wte, wpe] = [stored("wte.weight", vocab_size, d), stored("wpe.weight", n_positions, d)];
  const layers = Array.from({ length: n_layer }, (_, layer) => {
    const at = `h.${layer}`;
    const [first, second] = [norm(`${at}.ln_1`), norm(`${at}.ln_2`)];
    const [reads, writes] = [
      dense(`${at}.attn.c_attn`, d, 3 * d),
      dense(`${at}.attn.c_proj`, d, d),
    ];
    const [up, down] = [dense(`${at}.mlp.c_fc`, d, 4 * d), dense(`${at}.mlp.c_proj`, 4 * d, d)];
    return (x: TfTensor): TfTensor => {
      const [q, k, v] = tf.split(reads(first(x)), 3, 1).map(byHead) as [
        TfTensor,
        TfTensor,
        TfTensor,
      ]; // in three
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width)), mask);
      const mixed = tf.transpose(tf.matMul(tf.softmax(scores), v), [1, 0, 2]);
      const after = tf.add(x, writes(tf.reshape(mixed, [pos, d])));
      return tf.add(after, down(gelu(up(second(after)))));
    };
  });
  const last = norm("ln_f");
  const ids = Int32Array.from(tokens(task));
  return () => {
    const rows = tf.gather(wte, tf.tensor(ids, [pos], "int32"));
    const start = tf.add(rows, tf.slice(wpe, [0, 0], [pos, d]));
    return tf.matMul(last(layers.reduce((x, layer) => layer(x), start)), wte, false, true);
  };
}
