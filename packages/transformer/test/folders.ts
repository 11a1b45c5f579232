import { type Folder, memoryFolder, openCheckpoint, writeSafetensors } from "@resolvent/weights";

/** The same folder with another config.json, given as text or as an object. */
export function withConfig(folder: Folder, config: unknown): Folder {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  return withFile(folder, "config.json", new TextEncoder().encode(text));
}

/** The config of a folder. */
export async function configOf(folder: Folder): Promise<Record<string, unknown>> {
  const file = await folder.open("config.json");
  const bytes = await file?.read(0, await file.size());
  return JSON.parse(new TextDecoder().decode(bytes));
}

interface Stored {
  readonly shape: readonly number[];
  readonly numbers: Float32Array;
}

/** The same folder with other tensors. */
export async function withTensors(
  folder: Folder,
  edit: (tensors: Map<string, Stored>) => ReadonlyMap<string, Stored>,
): Promise<Folder> {
  const checkpoint = await openCheckpoint(folder);
  const tensors = new Map<string, Stored>();
  for (const name of checkpoint.names) {
    const numbers = await checkpoint.numbers(name, "f32");
    tensors.set(name, { shape: checkpoint.info(name).shape, numbers });
  }
  const file = await writeSafetensors(
    [...edit(tensors)].map(([name, { shape, numbers }]) => ({
      name,
      dtype: "F32",
      shape,
      bytes: new Uint8Array(Float32Array.from(numbers).buffer),
    })),
  );
  return withFile(folder, "model.safetensors", file);
}

function withFile(folder: Folder, name: string, bytes: Uint8Array): Folder {
  const changed = memoryFolder(new Map([[name, bytes]]), folder.name);
  return {
    name: folder.name,
    open: async (file, options) => (file === name ? changed : folder).open(file, options),
  };
}
