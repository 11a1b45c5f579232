import { type Failure, failureOf } from "@resolvent/analysis/remote";
import { InputError } from "@resolvent/tensor";
import { type Folder, openCheckpoint } from "@resolvent/weights";
import type { NamedFiles } from "./named-files.ts";

/** What comes at the port of somebody who has asked for the files of a model. */
export type HandedOver = { readonly files: NamedFiles } | { readonly failure: Failure };

/** Hands the files of a model to whoever has sent its name with a port. */
export async function hearHandOver(
  model: unknown,
  port: MessagePort,
  folder: (name: string) => Promise<Folder>,
): Promise<void> {
  const tell = (told: HandedOver): void => port.postMessage(told);
  try {
    tell({ files: await filesOf(await folder(String(model))) });
  } catch (error) {
    tell({ failure: failureOf(error) });
  }
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
async function filesOf(folder: Folder): Promise<NamedFiles> {
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
