/**
 * A Llama-shaped checkpoint of 1.2 billion parameters, random, in BF16 and four shards: opened, run, and taken
 * apart by degree, while its layers are read from the files (`stream`), and with its matrices kept in 16 bits
 * (`kept`). `node dist/large.js [FOLDER] [stream|kept]`; the folder is made (2.4 GB) where it is missing, and each
 * way is a process of its own where none is named.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCpu } from "@resolvent/cpu";
import { expandByDegree } from "@resolvent/expansion";
import { loadModel, outlineModel, run } from "@resolvent/transformer";
import type { TensorToWrite } from "@resolvent/weights";
import { folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { randomNumbers } from "./random.ts";

const config = {
  model_type: "llama",
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 18,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32_000,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  tie_word_embeddings: false,
};
const SHARDS = 4;
const POSITIONS = 128;

/** Random numbers, made on first use. */
const pattern = new Uint16Array(65_537);

const WAYS = ["stream", "kept"] as const;
const [folder = join(tmpdir(), "resolvent-large"), way] = process.argv.slice(2);
if (!existsSync(join(folder, "config.json"))) await generate(folder);
if (way === undefined) {
  for (const each of WAYS) {
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), folder, each], {
      stdio: "inherit",
    });
  }
} else await measure(way === "stream");

async function measure(stream: boolean): Promise<void> {
  const timed = async <R>(what: string, body: () => Promise<R>): Promise<R> => {
    const start = performance.now();
    const result = await body();
    const seconds = (performance.now() - start) / 1000;
    const gib = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(2);
    console.log(
      `${what.padEnd(44)} ${seconds.toFixed(2).padStart(8)} s   ${gib} GiB at most so far`,
    );
    return result;
  };

  const cpu = await createCpu({ precision: "f32" });
  console.log(`${way}: ${cpu.threads} threads, Node ${process.version}, ${folder}`);
  await timed("open (headers, names, sizes)", async () => await outlineModel(folderOf(folder)));
  const model = await timed(
    stream ? "load embedding and unembedding" : "load",
    async () => await loadModel(cpu, folderOf(folder), { stream, widen: stream, hash: false }),
  );
  const tokens = Array.from({ length: POSITIONS }, (_, i) => (i * 7919) % config.vocab_size);
  for (const again of ["", ", again"]) {
    await timed(`forward, ${POSITIONS} tokens${again}`, async () =>
      cpu.free(run(cpu, model, tokens)),
    );
  }
  const expansion = await timed(
    "path expansion to degree 4, with its report",
    async () => await expandByDegree(cpu, model, tokens, { maxDegree: 4 }),
  );
  console.log(`certificate ${expansion.certificate.relativeError?.toExponential(1)} (f32)`);
  console.log(`engine: ${(cpu.memory.peak / 2 ** 30).toFixed(2)} GiB at most\n`);
  await cpu.close();
}

/** Writes the checkpoint: small random numbers, repeated, since only size and time matter. */
async function generate(into: string): Promise<void> {
  console.log(`writing ${into} …`);
  await mkdir(into, { recursive: true });
  const { hidden_size: d, intermediate_size: m, vocab_size: v } = config;
  const key = (d / config.num_attention_heads) * config.num_key_value_heads;
  const layer = (n: number): [string, number[]][] => {
    const at = `model.layers.${n}.`;
    return [
      [`${at}input_layernorm.weight`, [d]],
      [`${at}self_attn.q_proj.weight`, [d, d]],
      [`${at}self_attn.k_proj.weight`, [key, d]],
      [`${at}self_attn.v_proj.weight`, [key, d]],
      [`${at}self_attn.o_proj.weight`, [d, d]],
      [`${at}post_attention_layernorm.weight`, [d]],
      [`${at}mlp.gate_proj.weight`, [m, d]],
      [`${at}mlp.up_proj.weight`, [m, d]],
      [`${at}mlp.down_proj.weight`, [d, m]],
    ];
  };
  const layers = Array.from({ length: config.num_hidden_layers }, (_, n) => layer(n)).flat();
  const all: [string, number[]][] = [
    ["model.embed_tokens.weight", [v, d]],
    ...layers,
    ["model.norm.weight", [d]],
    ["lm_head.weight", [v, d]],
  ];
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < SHARDS; shard++) {
    const file = `model-0000${shard + 1}-of-0000${SHARDS}.safetensors`;
    const mine = all.filter((_, i) => Math.floor((i * SHARDS) / all.length) === shard);
    for (const [name] of mine) weight_map[name] = file;
    const tensors = mine.map(
      ([name, shape]): TensorToWrite => ({
        name,
        dtype: "BF16",
        shape,
        bytes: async () => randomBF16(name, shape),
      }),
    );
    await writeSafetensorsFile(join(into, file), tensors, { overwrite: true });
  }
  await writeFile(join(into, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
  await writeFile(join(into, "config.json"), JSON.stringify(config));
}

function randomBF16(name: string, shape: readonly number[]): Uint8Array {
  const bits = new Uint16Array(shape.reduce((a, b) => a * b, 1));
  if (name.includes("norm")) return new Uint8Array(bits.fill(0x3f80).buffer); // 1
  if (pattern[0] === 0) {
    const random = randomNumbers();
    const one = new Float32Array(1);
    for (let i = 0; i < pattern.length; i++) {
      one[0] = 0.07 * random();
      pattern[i] = (new Uint32Array(one.buffer)[0] ?? 0) >>> 16;
    }
  }
  // Rows of a power of two against a pattern of odd length: no two rows are alike.
  for (let i = 0; i < bits.length; i++) bits[i] = pattern[i % pattern.length] as number; // within it
  return new Uint8Array(bits.buffer);
}
