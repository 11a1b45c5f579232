import { InputError } from "@resolvent/tensor";
import type { ByteSource, Folder, ReadOptions } from "@resolvent/weights";

/** A file that has to be in a folder. Throws `dictionary/no-file`. */
export async function needFile(
  folder: Folder,
  file: string,
  options?: ReadOptions,
): Promise<ByteSource> {
  const source = await folder.open(file, options);
  if (source !== undefined) return source;
  throw new InputError({
    code: "dictionary/no-file",
    message: `${folder.name} has no ${file}.`,
    remedy: "The download is incomplete, or this is a folder of another layout.",
    details: { folder: folder.name, file },
  });
}
