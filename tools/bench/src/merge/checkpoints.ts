import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeNumbers, type TensorToWrite } from "@resolvent/weights";
import { writeSafetensorsFile } from "@resolvent/weights/node";
import { randomNumbers } from "../random.ts";

/** The shape of a model with Llama's architecture. */
export interface Size {
  readonly layers: number;
  readonly width: number;
  readonly neurons: number;
  readonly vocab: number;
}

const SHARDS = 4;

/** Random numbers are drawn once and repeated: a prime number of them, so that no two rows are alike. */
const DRAWN = 1_048_573;

/** Writes a random checkpoint in shards, a base and a little of its own, where it is not there yet. */
export async function writeCheckpoint(
  folder: string,
  size: Size,
  dtype: "BF16" | "F32",
  seed: number,
): Promise<void> {
  if (existsSync(join(folder, "config.json"))) return;
  await mkdir(folder, { recursive: true });
  const base = randomNumbers();
  const own = randomNumbers();
  for (let i = 0; i < 1000 * seed; i++) own();
  const drawn = Float32Array.from({ length: DRAWN }, () => 0.1 * base() + 0.01 * seed * own());
  const pattern = encodeNumbers(drawn, dtype);
  const all = tensorsOf(size);
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < SHARDS; shard++) {
    const file = `model-0000${shard + 1}-of-0000${SHARDS}.safetensors`;
    const mine = all.filter((_, i) => Math.floor((i * SHARDS) / all.length) === shard);
    for (const [name] of mine) weight_map[name] = file;
    const tensors = mine.map(
      ([name, shape]): TensorToWrite => ({
        ...{ name, dtype, shape },
        bytes: () => repeated(pattern, (pattern.length / DRAWN) * shape.reduce((a, b) => a * b, 1)),
      }),
    );
    await writeSafetensorsFile(join(folder, file), tensors, { overwrite: true });
  }
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
  const config = {
    ...{ model_type: "llama", architectures: ["LlamaForCausalLM"] },
    ...{ hidden_size: size.width, intermediate_size: size.neurons },
    ...{ num_hidden_layers: size.layers, num_attention_heads: 32, num_key_value_heads: 8 },
    ...{ vocab_size: size.vocab, max_position_embeddings: 2048, rms_norm_eps: 1e-5 },
    tie_word_embeddings: true,
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
}

function repeated(pattern: Uint8Array, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += pattern.length)
    out.set(pattern.subarray(0, Math.min(pattern.length, bytes - at)), at);
  return out;
}

function tensorsOf({ layers, width, neurons, vocab }: Size): readonly [string, number[]][] {
  const key = width / 4;
  const layer = (n: number): [string, number[]][] => {
    const at = `model.layers.${n}.`;
    return [
      [`${at}input_layernorm.weight`, [width]],
      [`${at}self_attn.q_proj.weight`, [width, width]],
      [`${at}self_attn.k_proj.weight`, [key, width]],
      [`${at}self_attn.v_proj.weight`, [key, width]],
      [`${at}self_attn.o_proj.weight`, [width, width]],
      [`${at}post_attention_layernorm.weight`, [width]],
      [`${at}mlp.gate_proj.weight`, [neurons, width]],
      [`${at}mlp.up_proj.weight`, [neurons, width]],
      [`${at}mlp.down_proj.weight`, [width, neurons]],
    ];
  };
  return [
    ["model.embed_tokens.weight", [vocab, width]],
    ...Array.from({ length: layers }, (_, n) => layer(n)).flat(),
    ["model.norm.weight", [width]],
  ];
}
