import { drawing } from "@resolvent/tensor";
import { type Config, configs } from "./tiny-configs.ts";
import { type Draw, type Tensors, tensorsOf } from "./tiny-tensors.ts";

/** Files in memory: a `Folder` of `@resolvent/weights`, by its form. */
export interface TinyFolder {
  readonly name: string;
  open(file: string): Promise<TinyFile | undefined>;
}

export interface TinyFile {
  readonly name: string;
  size(): Promise<number>;
  /** A copy of the bytes from `start` to before `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** `seed` of the weights (default 0) and any fields of config.json; the tensors' sizes follow the fields. */
export interface TinyOptions {
  readonly seed?: number;
  readonly [field: string]: unknown;
}

/** All variants that `tinyModel` makes: every supported family, and what differs within it. */
export const tinyFamilies: readonly string[] = Object.keys(configs);

/**
 * A folder in memory with config.json and model.safetensors (F32) of a small random model: two or three layers,
 * vocab 29. Matrices have entries of size 0.3 (0.2 where there are no norms), biases up to 0.2, norm scales
 * 0.7 to 1.3 (where files hold γ of 1 + γ, 1 less), so that no part of the model is near zero. The same options give the same bytes.
 *
 * ```ts
 * const model = await loadModel(reference, tinyModel("llama", { seed: 3, num_hidden_layers: 1 }));
 * ```
 */
export function tinyModel(family: string, options: TinyOptions = {}): TinyFolder {
  const { seed = 0, ...overrides } = options;
  const base = configs[family];
  if (base === undefined) throw new RangeError(`No tiny model is called ${family}.`);
  const config = { ...base, ...overrides };
  return folderWith(family, {
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
    "model.safetensors": safetensors(tensorsOf(config), entries(seed, config)),
  });
}

/** A folder of files in memory. */
export function folderWith(name: string, files: Readonly<Record<string, Uint8Array>>): TinyFolder {
  return {
    name,
    open: async (file) => {
      const bytes = Object.hasOwn(files, file) ? files[file] : undefined;
      return (
        bytes && {
          name: `${name}/${file}`,
          size: async () => bytes.length,
          read: async (start, end) => bytes.slice(start, end),
        }
      );
    },
  };
}

/**
 * Drawn tensors as a safetensors file. Written here and not by `@resolvent/weights`, so that
 * the package's own tests can use it.
 */
export function safetensors(tensors: Tensors, draw: (kind: Draw) => number): Uint8Array {
  const numbers = tensors.map(([, shape, kind]) =>
    Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => draw(kind)),
  );
  const header: Record<string, object> = {};
  let end = 0;
  tensors.forEach(([name, shape], i) => {
    const start = end;
    end += 4 * (numbers[i]?.length ?? 0);
    header[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  });
  const unpadded = new TextEncoder().encode(JSON.stringify(header));
  const length = 8 * Math.ceil(unpadded.length / 8);
  const bytes = new Uint8Array(8 + length + end).fill(0x20, 0, 8 + length); // spaces pad the header
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  bytes.set(unpadded, 8);
  numbers.flat().forEach((n, i) => {
    view.setFloat32(8 + length + 4 * i, n, true);
  });
  return bytes;
}

/** Entries of each kind from a seed: the same in every run. */
export function entries(seed: number, config: Config): (kind: Draw) => number {
  // Without norms the stream grows from block to block; larger matrices would saturate the patterns.
  const spread = config.normalization_type === null ? 0.2 : 0.3;
  const uniform = drawing(seed);
  /** Mean 0, deviation 1: three uniform numbers of variance 1/12 each. */
  const bell = (): number => 2 * (uniform() + uniform() + uniform() - 1.5);
  return (kind) => {
    switch (kind) {
      case "table":
        return bell();
      case "matrix":
        return spread * bell();
      case "scale":
        return 0.7 + 0.6 * uniform();
      case "offset":
        return 0.6 * uniform() - 0.3;
      case "bias":
        return 0.4 * uniform() - 0.2;
    }
  };
}
