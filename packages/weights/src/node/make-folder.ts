import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "./file.ts";

/**
 * Makes a folder, and those above it that are missing; one that is there is left as it is. Node's own `recursive` never
 * ends where a file system (`/proc`) says of a folder in one that exists that there is no such thing.
 *
 * @throws the system's error: `ENOENT`, `EACCES`, `EEXIST` for what is no folder
 */
export async function makeFolder(path: string): Promise<void> {
  const above = dirname(path);
  for (let again = above !== path; ; ) {
    try {
      return await mkdir(path);
    } catch (error) {
      if ((await stat(path).catch(() => undefined))?.isDirectory()) return;
      const code = systemCode(error);
      // What was there a moment ago has been removed since.
      if (code === "EEXIST" && (await lstat(path).catch(systemCode)) === "ENOENT") continue;
      if (!again || code !== "ENOENT") throw error;
    }
    await makeFolder(above);
    again = false;
  }
}
