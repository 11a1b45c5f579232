import { talesRecipe } from "@resolvent/train";
import type { ContenderName } from "./field.ts";
import type { EncodeTask, EngineTask, Gpt2Sizes, ModelTask, ProductTask } from "./task.ts";

/** Contestants that are measured together, and at what. */
export interface Group {
  readonly title: string;
  readonly where: "Chromium" | "Node";
  /** By the heading of their column; ours first. */
  readonly contestants: Readonly<Record<string, ContenderName>>;
  /** Of these, who is ours. */
  readonly ours: readonly string[];
  readonly tasks: Readonly<Record<string, EngineTask>>;
}

const sizes = {
  model_type: "gpt2",
  activation_function: "gelu_new",
  layer_norm_epsilon: 1e-5,
} as const;

const { n_layer, n_head, n_embd, n_positions } = talesRecipe.config;

const tales: Gpt2Sizes = {
  ...sizes,
  ...{ n_layer: Number(n_layer), n_head: Number(n_head), n_embd: Number(n_embd) },
  ...{ n_positions: Number(n_positions), vocab_size: talesRecipe.tokenizer.vocabSize },
};

/** GPT-2 small. */
const gpt2: Gpt2Sizes = {
  ...sizes,
  ...{ n_layer: 12, n_head: 12, n_embd: 768, n_positions: 1024, vocab_size: 50_257 },
};

const product = (rows: number, terms: number, columns: number, batch = 1): ProductTask => ({
  ...{ kind: "product" as const, batch, rows, terms, columns },
});
const forward = (config: Gpt2Sizes, pos: number): ModelTask => ({ kind: "forward", config, pos });
const spectrum = (config: Gpt2Sizes, pos: number): ModelTask => ({ kind: "spectrum", config, pos });
const encode = (rows: number, d: number, features: number, k: number): EncodeTask => ({
  ...{ kind: "encode" as const, rows, d, features, k },
});

/** Of a size that processors take some milliseconds for, or some hundred. */
const onProcessor: Group["tasks"] = {
  "square, 1024 × 1024 × 1024": product(1024, 1024, 1024),
  "wide, 512 × 768 × 3072": product(512, 768, 3072),
  "tall, 4096 × 128 × 512": product(4096, 128, 512),
  "few rows, 8 × 768 × 3072": product(8, 768, 3072),
  "one row, 1 × 768 × 3072": product(1, 768, 3072),
  "batched, 144 × (128 × 64 × 128)": product(128, 64, 128, 144),
  "forward of `tales`, 128": forward(tales, 128),
  "forward of GPT-2's shape, 128": forward(gpt2, 128),
  "forward of GPT-2's shape, 8": forward(gpt2, 8),
  "frozen spectrum of `tales`, 128": spectrum(tales, 128),
  "frozen spectrum of GPT-2's shape, 32": spectrum(gpt2, 32),
  "TopK of 256 rows, 768 → 12,288": encode(256, 768, 12_288, 32),
};

/** So small that an adapter in software does them in seconds. */
const onAdapter: Group["tasks"] = {
  "square, 512 × 512 × 512": product(512, 512, 512),
  "tall, 2048 × 128 × 256": product(2048, 128, 256),
  "few rows, 8 × 768 × 3072": product(8, 768, 3072),
  "batched, 12 × (128 × 64 × 128)": product(128, 64, 128, 12),
  "forward of `tales`, 64": forward(tales, 64),
  "forward of GPT-2's shape, 16": forward(gpt2, 16),
  "frozen spectrum of `tales`, 64": spectrum(tales, 64),
  "TopK of 32 rows, 768 → 3,072": encode(32, 768, 3072, 32),
};

/** What is measured. */
export const groups: Readonly<Record<string, Group>> = {
  wasm: {
    title: "On the processor, in Chromium",
    where: "Chromium",
    contestants: {
      cpu: "cpu",
      "onnxruntime-web": "onnxruntime-wasm",
      "transformers.js": "transformers-wasm",
      "jax-js": "jax-wasm",
      tfjs: "tfjs-wasm",
    },
    ours: ["cpu"],
    tasks: onProcessor,
  },
  node: {
    title: "On the processor, in Node",
    where: "Node",
    contestants: {
      "cpu, BLAS": "cpu-blas",
      cpu: "cpu",
      "onnxruntime-web": "onnxruntime-wasm",
      "jax-js": "jax-wasm",
      tfjs: "tfjs-wasm",
    },
    ours: ["cpu, BLAS", "cpu"],
    tasks: onProcessor,
  },
  webgpu: {
    title: "On an adapter, in Chromium",
    where: "Chromium",
    contestants: {
      webgpu: "webgpu",
      gpujs: "gpujs",
      "onnxruntime-web": "onnxruntime-webgpu",
      "transformers.js": "transformers-webgpu",
      "jax-js": "jax-webgpu",
      tfjs: "tfjs-webgpu",
    },
    ours: ["webgpu", "gpujs"],
    tasks: onAdapter,
  },
};
