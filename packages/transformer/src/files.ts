import { InputError } from "@resolvent/tensor";
import type { Folder, ReadOptions } from "@resolvent/weights";

/** The largest JSON file that is parsed; the largest published tokenizers are below a third of it. */
const MAX_JSON_BYTES = 128 * 2 ** 20;

/** A JSON object from a folder, or undefined where the folder has no such file. */
export async function readJson(
  folder: Folder,
  file: string,
  options?: ReadOptions,
): Promise<Record<string, unknown> | undefined> {
  const source = await folder.open(file, options);
  if (source === undefined) return undefined;
  const size = await source.size(options);
  if (size > MAX_JSON_BYTES) {
    throw new InputError({
      code: "transformer/file-too-large",
      message: `${source.name} has ${size} bytes; at most ${MAX_JSON_BYTES} are read.`,
      remedy: "Check that this is the right file.",
      details: { file, size, limit: MAX_JSON_BYTES },
    });
  }
  const text = new TextDecoder().decode(await source.read(0, size, options));
  const bad = (cause?: unknown): InputError =>
    new InputError({
      code: "transformer/bad-json",
      message: `${source.name} is not a JSON object.`,
      remedy: "The file may be damaged, or only the pointer of a large-file store: fetch it again.",
      details: { file },
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad();
  return value as Record<string, unknown>; // an object, as just checked
}
