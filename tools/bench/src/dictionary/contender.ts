/** A task of dictionaries on Resolvent, measured on demand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { type Encoder, encode, type SparseActivations } from "@resolvent/dictionary";
import { freshState, type TrainedWeights, trainingStep } from "@resolvent/dictionary/train";
import type { Shape } from "@resolvent/tensor";
import { serve } from "../torch/serve.ts";
import type { DictionaryTask } from "./task.ts";

const task = JSON.parse(process.argv[2] ?? "") as DictionaryTask; // it was written by the program that asks
const { rows, d, features, k, loss } = task;
const cpu = await createCpu({ precision: "f32", threads: task.threads });
const weights: TrainedWeights<CpuTensor> = {
  W_enc: stored(cpu, "W_enc", { feature: features, d_in: d }),
  b_enc: stored(cpu, "b_enc", { feature: features }),
  W_dec: stored(cpu, "W_dec", { feature: features, d_out: d }),
  b_dec: stored(cpu, "b_dec", { d_out: d }),
};
const x = stored(cpu, "x", { row: rows, d_in: d });
const introduction = { blas: cpu.blas?.core ?? null, threads: cpu.threads };
if (task.kind === "encode") {
  const encoder: Encoder<CpuTensor> = {
    ...{ features, d_in: d, W_enc: weights.W_enc },
    b_enc: stored(cpu, "b_enc", { feature: features }),
    subtracted: cpu.rename(weights.b_dec, { d_out: "d_in" }),
    activation: { kind: "topk", k, rectified: true },
    normalization: { kind: "none" },
  };
  await serve(introduction, async (done) => {
    const sparse = await encode(cpu, encoder, x);
    done(() => comparable(sparse));
  });
} else {
  if (loss === undefined) throw new Error("A step of training needs a loss.");
  const objective = { loss, subtractsBias: true, unitDecoder: true };
  const dead = Int32Array.from({ length: task.dead }, (_, i) =>
    Math.floor((i * features) / task.dead),
  );
  const batch = { input: x, target: cpu.rename(x, { d_in: "d_out" }) };
  let state = freshState(cpu, weights);
  await serve(introduction, async (done) => {
    const { rate } = task;
    const moved = await trainingStep(cpu, state, objective, batch, { rate, clip: 1, dead });
    state = moved.state;
    const { losses, gradientNorm } = moved.report;
    done(() => [...Object.values(losses), gradientNorm]);
  });
}
await cpu.close();

/** Numbers that hardly differ where two that are nearly equal change places: values, and their places weighted by them. */
function comparable({ starts, indices, values }: SparseActivations): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    const [from, to] = [starts[row] ?? 0, starts[row + 1] ?? 0];
    let sum = 0;
    for (let i = from; i < to; i++) sum += (values[i] ?? 0) * (1 + (indices[i] ?? 0) / features);
    return sum;
  });
}

function stored(cpu: Cpu, name: string, shape: Shape): CpuTensor {
  const bytes = readFileSync(join(task.folder, name));
  const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return cpu.written(shape, (to) => {
    to.set(numbers.subarray(0, to.length));
  });
}
