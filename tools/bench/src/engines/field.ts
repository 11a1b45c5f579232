import type { Contender } from "./contender.ts";
import { jax } from "./jax.ts";
import { onnxruntime } from "./onnxruntime.ts";
import { cpu, gpujs, webgpu } from "./ours.ts";
import { tfjs } from "./tfjs.ts";
import { transformers } from "./transformers.ts";

/** Who there is. */
export type ContenderName =
  | "cpu"
  | "cpu-blas"
  | "webgpu"
  | "gpujs"
  | `${"onnxruntime" | "jax" | "tfjs" | "transformers"}-${"wasm" | "webgpu"}`;

/** Everybody by name, each alone in its page or process. */
export const field: Readonly<Record<ContenderName, Contender>> = {
  cpu: cpu("off"),
  "cpu-blas": cpu("auto"),
  webgpu,
  gpujs,
  "onnxruntime-wasm": onnxruntime("wasm"),
  "onnxruntime-webgpu": onnxruntime("webgpu"),
  "jax-wasm": jax("wasm"),
  "jax-webgpu": jax("webgpu"),
  "tfjs-wasm": tfjs("wasm"),
  "tfjs-webgpu": tfjs("webgpu"),
  "transformers-wasm": transformers("wasm"),
  "transformers-webgpu": transformers("webgpu"),
};
