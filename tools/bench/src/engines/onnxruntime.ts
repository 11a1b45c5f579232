import { type Contender, cannot } from "./contender.ts";
import { operand, tokens } from "./numbers.ts";
import { bytesOf, imported } from "./rivals.ts";
import type { EngineTask } from "./task.ts";

/** What is used of onnxruntime-web. */
interface Ort {
  readonly env: {
    readonly versions: { readonly web?: string };
    readonly wasm: { numThreads?: number; wasmPaths?: string };
    readonly webgpu: { adapter?: unknown };
  };
  readonly Tensor: new (
    type: "float32" | "int64",
    data: Float32Array | BigInt64Array,
    dims: readonly number[],
  ) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<OrtSession>;
  };
}
interface OrtTensor {
  readonly data: Float32Array;
  dispose(): void;
}
interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** onnxruntime-web on its WebAssembly or WebGPU backend. */
export const onnxruntime =
  (on: "wasm" | "webgpu"): Contender =>
  async (task, { threads, contestants, model }) => {
    if (model === undefined) cannot(`way to do this (${task.kind})`);
    const place = `${contestants}onnxruntime-web/dist/`;
    const inNode = typeof document === "undefined";
    const file = inNode ? "ort.node.min.mjs" : `ort.${on}.bundle.min.mjs`;
    const ort = (await imported(`${place}${file}`)) as Ort; // its own types are not installed here
    ort.env.wasm.numThreads = threads;
    if (!inNode) ort.env.wasm.wasmPaths = new URL(place, location.href).href;
    const session = await ort.InferenceSession.create(await bytesOf(`${model}onnx/model.onnx`), {
      executionProviders: [on],
      graphOptimizationLevel: "all",
    });
    const feed = feeds(ort, task);
    return {
      is: `onnxruntime-web ${ort.env.versions.web ?? ""} ${on}${on === "wasm" ? `, ${ort.env.wasm.numThreads} threads` : ""}`,
      turn: async () => {
        const results = await session.run(feed());
        const numbers = (results.logits ?? results.y)?.data ?? cannot("result");
        for (const tensor of Object.values(results)) tensor.dispose();
        return numbers;
      },
      close: () => session.release(),
    };
  };

function feeds(ort: Ort, task: EngineTask): () => Readonly<Record<string, OrtTensor>> {
  const floats = (name: string, dims: readonly number[]): (() => Record<string, OrtTensor>) => {
    const numbers = operand(
      name,
      dims.reduce((a, b) => a * b, 1),
    );
    return () => ({ x: new ort.Tensor("float32", numbers, dims) });
  };
  switch (task.kind) {
    case "product": {
      const { batch, rows, terms } = task;
      return floats("a", batch === 1 ? [rows, terms] : [batch, rows, terms]);
    }
    case "encode":
      return floats("x", [task.rows, task.d]);
    default: {
      const ids = BigInt64Array.from(tokens(task), BigInt);
      return () => ({ input_ids: new ort.Tensor("int64", ids, [1, task.pos]) });
    }
  }
}
