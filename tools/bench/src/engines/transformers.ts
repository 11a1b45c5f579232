import { type Contender, cannot } from "./contender.ts";
import { tokens } from "./numbers.ts";
import { imported } from "./rivals.ts";

/** What is used of transformers.js. */
interface Transformers {
  readonly env: {
    readonly version: string;
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    readonly backends: {
      readonly onnx: { readonly wasm: { numThreads?: number; wasmPaths?: string } };
    };
  };
  readonly Tensor: new (type: "int64", data: BigInt64Array, dims: readonly number[]) => object;
  readonly AutoModelForCausalLM: {
    from_pretrained(
      name: string,
      options: object,
    ): Promise<
      ((inputs: object) => Promise<{ readonly logits: { readonly data: Float32Array } }>) & {
        dispose(): Promise<unknown>;
      }
    >;
  };
}

/** transformers.js on the same ONNX file, from this machine: its own engine is a version of onnxruntime-web. */
export const transformers =
  (on: "wasm" | "webgpu"): Contender =>
  async (task, { threads, contestants, model }) => {
    if (task.kind !== "forward" || model === undefined)
      return cannot(`way to do this (${task.kind})`);
    const place = `${contestants}@huggingface/transformers/`;
    const library = (await imported(`${place}dist/transformers.web.js`)) as Transformers; // as onnxruntime's
    const { env, Tensor, AutoModelForCausalLM } = library;
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.useBrowserCache = false;
    const folder = new URL(model, location.href);
    env.localModelPath = new URL("..", folder).href;
    const { wasm } = env.backends.onnx;
    wasm.numThreads = threads;
    wasm.wasmPaths = new URL(`${place}node_modules/onnxruntime-web/dist/`, location.href).href;
    const name = folder.pathname.split("/").at(-2) ?? "";
    const forward = await AutoModelForCausalLM.from_pretrained(name, { device: on, dtype: "fp32" });
    const ids = BigInt64Array.from(tokens(task), BigInt);
    return {
      is: `transformers.js ${env.version} ${on}`,
      turn: async () => {
        const input_ids = new Tensor("int64", ids, [1, task.pos]);
        const { logits } = await forward({ input_ids });
        return logits.data;
      },
      close: async () => {
        await forward.dispose();
      },
    };
  };
