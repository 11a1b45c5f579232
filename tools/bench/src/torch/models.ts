import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCpu } from "@resolvent/cpu";
import { axesOf, type Shape, sizeOf } from "@resolvent/tensor";
import { freshParameters, talesRecipe } from "@resolvent/train";
import { assembleModel } from "@resolvent/transformer";
import { encodeNumbers } from "@resolvent/weights";
import { writeSafetensorsFile } from "@resolvent/weights/node";
import { randomNumbers } from "../random.ts";

type Config = Readonly<Record<string, unknown>>;

/** GPT-2 small's shape. */
export const gpt2Small = {
  model_type: "gpt2",
  activation_function: "gelu_new",
  layer_norm_epsilon: 1e-5,
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  n_positions: 1024,
  vocab_size: 50_257,
};

/** The shape of the bundled model `tales`, as its recipe has it. */
export const tales: Config & { readonly n_head: number; readonly vocab_size: number } = {
  ...talesRecipe.config,
  n_head: Number(talesRecipe.config.n_head),
  vocab_size: talesRecipe.tokenizer.vocabSize,
};

/** Writes a model of GPT-2 small's shape with random weights, and with as many layers. */
export async function writeRandomModel(
  folder: string,
  layers: number = gpt2Small.n_layer,
): Promise<void> {
  const config = { ...gpt2Small, n_layer: layers };
  const random = randomNumbers();
  const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
  const cpu = await createCpu({ threads: 1 });
  cpu.scope(() => {
    assembleModel(cpu, config, (name, shape) => {
      // Standard deviation 0.02, as GPT-2's own (Radford et al. 2019); scales of norms are near 1.
      const middle = /ln_\w+\.weight$/.test(name) ? 1 : 0;
      const data = Float32Array.from({ length: sizeOf(shape) }, () => middle + 0.07 * random());
      tensors.set(name, { shape, data });
      return cpu.fill(shape, 0);
    });
  });
  await cpu.close();
  await write(folder, config, tensors);
}

/** Writes the model that a training of `tales` begins with. */
export async function writeFreshTales(folder: string, seed: number): Promise<void> {
  const cpu = await createCpu({ threads: 1 });
  const parameters = [...freshParameters(cpu, tales, seed)];
  const tensors = parameters.map(([name, p]) => [name, cpu.read(p)] as const);
  await cpu.close();
  await write(folder, tales, new Map(tensors));
}

async function write(
  folder: string,
  config: Config,
  tensors: ReadonlyMap<string, { shape: Shape; data: Float32Array | Float64Array }>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeSafetensorsFile(
    join(folder, "model.safetensors"),
    [...tensors].map(([name, { shape, data }]) => ({
      name: `transformer.${name}`,
      dtype: "F32" as const,
      shape: axesOf(shape).map((axis) => shape[axis] ?? 0),
      bytes: () => encodeNumbers(data, "F32"),
    })),
    { metadata: { format: "pt" } },
  );
}
