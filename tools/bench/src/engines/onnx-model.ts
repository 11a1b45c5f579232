/** The tasks as ONNX models, as their makers would have them: with the fused operators that onnxruntime has for GPT-2. */
import { createRequire } from "node:module";
import { operand, weight } from "./numbers.ts";
import type { EncodeTask, EngineTask, ModelTask, ProductTask } from "./task.ts";

/** What the package onnx-proto has of ONNX, as far as it is used here. */
interface OnnxProto {
  readonly onnx: {
    readonly ModelProto: { encode(model: object): { finish(): Uint8Array } };
  };
}

/** `TensorProto.DataType` */
const FLOAT = 1;
const INT64 = 7;

/** `AttributeProto.AttributeType` */
const A_FLOAT = 1;
const A_INT = 2;

/** onnxruntime's own operators. */
const OWN = "com.microsoft";

/** Graph nodes and weights, as they come. */
interface Builder {
  /** Names of the outputs. */
  node(
    opType: string,
    input: readonly string[],
    attributes?: Readonly<Record<string, number>>,
    more?: { readonly domain?: string; readonly outputs?: number },
  ): string;
  constant(name: string, dims: readonly number[], numbers: Float32Array | BigInt64Array): string;
}

interface Graph {
  readonly input: object;
  /** The last node's outputs by their names outside. */
  readonly outputs: readonly {
    readonly from: string;
    readonly name: string;
    readonly type: number;
  }[];
}

/** The bytes of a model that does the task; undefined where ONNX has no way to do it. */
export function onnxModel(task: EngineTask, contestants: string): Uint8Array | undefined {
  if (task.kind === "spectrum") return undefined;
  const { onnx } = createRequire(contestants)("onnx-proto") as OnnxProto; // CommonJS, installed there
  const nodes: object[] = [];
  const weights: object[] = [];
  const builder: Builder = {
    node: (opType, input, attributes = {}, { domain = "", outputs = 1 } = {}) => {
      const output = Array.from({ length: outputs }, (_, i) => `n${nodes.length}_${i}`);
      const attribute = Object.entries(attributes).map(([name, value]) =>
        Number.isInteger(value)
          ? { name, type: A_INT, i: value }
          : { name, type: A_FLOAT, f: value },
      );
      nodes.push({ opType, input, output, attribute, domain });
      return output[0] ?? "";
    },
    constant: (name, dims, numbers) => {
      const rawData = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      const dataType = numbers instanceof Float32Array ? FLOAT : INT64;
      weights.push({ name, dims, dataType, rawData });
      return name;
    },
  };
  const { input, outputs } = graphOf(builder, task);
  for (const { from, name } of outputs)
    nodes.push({ opType: "Identity", input: [from], output: [name], attribute: [], domain: "" });
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [
      { domain: "", version: 17 },
      { domain: OWN, version: 1 },
    ],
    graph: {
      ...{ name: task.kind, node: nodes, initializer: weights, input: [input] },
      output: outputs.map(({ name, type }) => ({ name, type: { tensorType: { elemType: type } } })),
    },
  }).finish();
}

function graphOf(builder: Builder, task: Exclude<EngineTask, { kind: "spectrum" }>): Graph {
  switch (task.kind) {
    case "product":
      return product(builder, task);
    case "encode":
      return encoding(builder, task);
    default:
      return gpt2(builder, task);
  }
}

function typed(name: string, elemType: number, dims: readonly number[]): object {
  const dim = dims.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function product(builder: Builder, { batch, rows, terms, columns }: ProductTask): Graph {
  const outer = batch === 1 ? [] : [batch];
  const numbers = operand("b", batch * terms * columns);
  const b = builder.constant("b", [...outer, terms, columns], numbers);
  const axis = builder.constant("axis", [1], BigInt64Array.of(BigInt(outer.length)));
  const from = builder.node("ReduceSum", [builder.node("MatMul", ["x", b]), axis], { keepdims: 0 });
  return {
    input: typed("x", FLOAT, [...outer, rows, terms]),
    outputs: [{ from, name: "y", type: FLOAT }],
  };
}

function encoding(builder: Builder, { rows, d, features, k }: EncodeTask): Graph {
  const W = builder.constant("W_enc", [d, features], operand("W_enc", d * features));
  const b = builder.constant("b_enc", [features], operand("b_enc", features));
  const count = builder.constant("k", [1], BigInt64Array.of(BigInt(k)));
  const dense = builder.node("Gemm", ["x", W, b]);
  const from = builder.node("TopK", [dense, count], { axis: 1 }, { outputs: 2 });
  return {
    input: typed("x", FLOAT, [rows, d]),
    outputs: [
      { from, name: "y", type: FLOAT },
      { from: from.replace(/0$/, "1"), name: "indices", type: INT64 },
    ],
  };
}

/** GPT-2 as onnxruntime's optimizer leaves it: rows by `Gemm`, attention and GELU as operators of their own. */
function gpt2(builder: Builder, { config, pos }: ModelTask): Graph {
  const { n_layer, n_head, n_embd: d, n_positions, vocab_size, layer_norm_epsilon } = config;
  const { node, constant } = builder;
  const stored = (name: string, ...dims: number[]): string =>
    constant(
      name,
      dims,
      weight(
        name,
        dims.reduce((a, b) => a * b, 1),
      ),
    );
  const sizes = (name: string, ...dims: number[]): string =>
    constant(name, [dims.length], BigInt64Array.from(dims, BigInt));
  const wte = stored("wte.weight", vocab_size, d);
  const flat = sizes("flat", pos, d);
  const batched = sizes("batched", 1, pos, d);
  const places = constant(
    "places",
    [pos],
    BigInt64Array.from({ length: pos }, (_, i) => BigInt(i)),
  );
  const positions = node("Gather", [stored("wpe.weight", n_positions, d), places]);
  const rows = node("Reshape", [node("Gather", [wte, "input_ids"]), flat]);
  let x = node("Add", [rows, positions]);
  const norm = (name: string, of: string): string =>
    node("LayerNormalization", [of, stored(`${name}.weight`, d), stored(`${name}.bias`, d)], {
      axis: -1,
      epsilon: layer_norm_epsilon,
    });
  const dense = (name: string, of: string, from: number, to: number): string =>
    node("Gemm", [of, stored(`${name}.weight`, from, to), stored(`${name}.bias`, to)]);
  for (let layer = 0; layer < n_layer; layer++) {
    const at = `h.${layer}`;
    const read = node("Reshape", [norm(`${at}.ln_1`, x), batched]);
    const attended = node(
      "Attention",
      [read, stored(`${at}.attn.c_attn.weight`, d, 3 * d), stored(`${at}.attn.c_attn.bias`, 3 * d)],
      { num_heads: n_head, unidirectional: 1 },
      { domain: OWN },
    );
    const heads = node("Reshape", [attended, flat]);
    x = node("Add", [x, dense(`${at}.attn.c_proj`, heads, d, d)]);
    const hidden = node("MatMul", [
      norm(`${at}.ln_2`, x),
      stored(`${at}.mlp.c_fc.weight`, d, 4 * d),
    ]);
    const active = node(
      "FastGelu",
      [hidden, stored(`${at}.mlp.c_fc.bias`, 4 * d)],
      {},
      { domain: OWN },
    );
    x = node("Add", [x, dense(`${at}.mlp.c_proj`, active, 4 * d, d)]);
  }
  const logits = node("Gemm", [norm("ln_f", x), wte], { transB: 1 });
  const whole = sizes("whole", 1, pos, vocab_size);
  return {
    input: typed("input_ids", INT64, [1, pos]),
    outputs: [{ from: node("Reshape", [logits, whole]), name: "logits", type: FLOAT }],
  };
}
