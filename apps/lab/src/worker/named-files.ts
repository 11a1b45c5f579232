import { InputError } from "@resolvent/tensor";
import { blobSource, type Folder, memoryFolder, openCheckpoint } from "@resolvent/weights";

/** Files by name. */
export type NamedFiles = readonly (readonly [string, Blob])[];

/** Where a model of the user's own is: the worker is told so before anybody asks for the model by its name. */
export interface Place {
  readonly place: string;
  /** Files that the user has picked, or the address of a folder of which only headers are wanted. */
  readonly at: NamedFiles | string;
}

/** Whether a message to a worker is a place. */
export function isPlace(message: unknown): message is Place {
  return typeof Object(message).place === "string";
}

/** The folder of such files. */
export function filesFolder(files: NamedFiles): Folder {
  const sources = files.map(([name, blob]) => [name, blobSource(blob, name)] as const);
  return memoryFolder(new Map(sources), "files");
}

/** What of a model is handed on beside its weights. */
const SMALL_FILES: readonly string[] = [
  ...["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"],
  ...["vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"],
  "model.safetensors.index.json",
];

/** Bytes that are read at a time, and that are handed on at most: they are in memory twice for a while. */
const PART_BYTES = 2 ** 24;
const MOST_BYTES = 2 ** 31;

/** The files of a model, read: for somebody who cannot read them where they are. @throws InputError `lab/too-large` */
export async function filesOf(folder: Folder): Promise<NamedFiles> {
  const checkpoint = await openCheckpoint(folder);
  const files: [string, Blob][] = [];
  for (const name of [...SMALL_FILES, ...checkpoint.files.keys()]) {
    const source = await folder.open(name);
    if (source === undefined) continue;
    const size = await source.size();
    if (size > MOST_BYTES) {
      throw new InputError({
        code: "lab/too-large",
        message: `${name} has ${size} bytes; a plug-in is handed ${MOST_BYTES} at most.`,
        remedy: "Ask it about a smaller model, or run it by the command line.",
        details: { name, size, limit: MOST_BYTES },
      });
    }
    const parts: BlobPart[] = [];
    for (let at = 0; at < size; at += PART_BYTES) {
      const part = await source.read(at, Math.min(size, at + PART_BYTES));
      parts.push(new Uint8Array(part)); // whoever has read it may have lent shared memory
    }
    files.push([name, new Blob(parts)]);
  }
  return files;
}
