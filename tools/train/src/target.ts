import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { InputError } from "@resolvent/tensor";

/** The files of a model with its card: all that making it anew replaces. */
const OF_MODEL: ReadonlySet<string> = new Set([
  "README.md",
  "card.json",
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
]);

/**
 * The absolute path of the folder that a model is written to, which is replaced as a whole: there is none yet, it
 * is empty, or, with `overwrite`, it holds a model and nothing else. `own` and
 * `of` are the files that it may hold else than a model's, and what they are of.
 *
 * @throws InputError `train/exists`, `train/other-files`
 */
export async function targetFolder(
  out: string,
  {
    overwrite = false,
    own = OF_MODEL,
    of = "a model",
  }: {
    readonly overwrite?: boolean;
    readonly own?: ReadonlySet<string>;
    readonly of?: string;
  } = {},
): Promise<string> {
  const folder = resolve(out); // without a slash at its end, so that what is written first comes beside it
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const other = files.find((file) => !own.has(file));
  if (other !== undefined) {
    throw new InputError({
      code: "train/other-files",
      message: `${folder} holds ${other}, which is no file of ${of} and would be lost.`,
      remedy: "Name a folder of its own.",
      details: { folder, files },
    });
  }
  if (files.length > 0 && !overwrite) {
    throw new InputError({
      code: "train/exists",
      message: `${folder} holds ${files.length} files of ${of} already.`,
      remedy: "Give --overwrite to replace it.",
      details: { folder, files },
    });
  }
  return folder;
}
