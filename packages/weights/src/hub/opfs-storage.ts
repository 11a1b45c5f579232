import { InputError, isInputError } from "@resolvent/tensor";

/** A folder of the browser's private storage. */
export type Directory = FileSystemDirectoryHandle;

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** What the work gives, or undefined where there is no such file or folder. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errorName(error) === "NotFoundError") return undefined;
    throw error;
  }
}

/** Names what goes wrong with the storage. */
export function unstorable(name: string, cause: unknown): unknown {
  if (isInputError(cause)) return cause;
  if (errorName(cause) === "QuotaExceededError") {
    return new InputError({
      code: "weights/hub-disk-full",
      message: `${name}: the browser gives this page no more room.`,
      remedy: "Free disk space, remove other models of this page, or leave private browsing.",
      details: { name },
      cause,
    });
  }
  return new InputError({
    code: "weights/unwritable",
    message: `${name}: the browser's storage refuses to be written (${errorName(cause)}).`,
    remedy: "Reload the page; if that does not help, clear this page's storage.",
    details: { name },
    cause,
  });
}

/** The result of work on the storage, its errors named. */
export async function stored<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw unstorable(name, error);
  }
}

/** A file with this text, replaced at once. */
export async function writeText(folder: Directory, file: string, text: string): Promise<void> {
  const handle = await folder.getFileHandle(file, { create: true });
  const stream = await handle.createWritable();
  await stream.write(text);
  await stream.close();
}

/** The text of a file, or undefined where there is none. */
export async function readText(
  folder: Directory | undefined,
  file: string,
): Promise<string | undefined> {
  if (folder === undefined) return undefined;
  const handle = await ifThere(folder.getFileHandle(file));
  return handle && (await (await handle.getFile()).text());
}
