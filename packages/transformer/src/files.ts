import { InputError, isInputError } from "@resolvent/tensor";
import { type Folder, parsePythonJson, type ReadOptions } from "@resolvent/weights";
import type { Warning } from "./warning.ts";

/** The largest file that is read as text; the largest published tokenizers are below a third of it. */
const MAX_TEXT_BYTES = 128 * 2 ** 20;

/**
 * A text file of a folder, and what messages call it; undefined where the folder has no such file.
 *
 * @throws InputError `transformer/file-too-large`
 */
export async function readText(
  folder: Folder,
  file: string,
  options?: ReadOptions,
): Promise<{ readonly name: string; readonly text: string } | undefined> {
  const source = await folder.open(file, options);
  if (source === undefined) return undefined;
  const size = await source.size(options);
  if (size > MAX_TEXT_BYTES) {
    throw new InputError({
      code: "transformer/file-too-large",
      message: `${source.name} has ${size} bytes; at most ${MAX_TEXT_BYTES} are read.`,
      remedy: "Check that this is the right file.",
      details: { file, size, limit: MAX_TEXT_BYTES },
    });
  }
  const text = new TextDecoder().decode(await source.read(0, size, options));
  return { name: source.name, text };
}

/**
 * A JSON object from a folder, with the NaN and Infinity that Python writes; of keys that stand twice the last. Or
 * undefined where the folder has no such file.
 */
export async function readJson(
  folder: Folder,
  file: string,
  options?: ReadOptions,
): Promise<Record<string, unknown> | undefined> {
  const source = await readText(folder, file, options);
  if (source === undefined) return undefined;
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
    value = parsePythonJson(source.text);
  } catch (cause) {
    throw bad(cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad();
  return value as Record<string, unknown>; // an object, as just checked
}

/**
 * The tokens that end a text as generation_config.json has them: those of config.json hold where it is absent or
 * names none.
 */
export async function generationEnds(
  folder: Folder,
  options?: ReadOptions,
): Promise<{ readonly eos?: readonly number[]; readonly warnings: readonly Warning[] }> {
  let config: Record<string, unknown> | undefined;
  try {
    config = await readJson(folder, "generation_config.json", options);
  } catch (error) {
    options?.signal?.throwIfAborted();
    if (!isInputError(error)) throw error;
    const message = `${error.message} The end of texts is as in config.json.`;
    return { warnings: [{ code: "generation-config", message }] };
  }
  const eos = tokenList(config?.eos_token_id);
  return eos.length === 0 ? { warnings: [] } : { eos, warnings: [] };
}

/** Token ids that a config gives as a number, a list, or not at all. */
export function tokenList(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter((id) => Number.isInteger(id));
}
