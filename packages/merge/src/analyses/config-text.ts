import type { TextFile } from "@resolvent/analysis";
import { badConfig } from "../refuse.ts";

/** Bytes of a configuration at most: what has more characters than are read has more bytes. */
const MAX_BYTES = 2 ** 20;

/** All of a configuration. @throws InputError `merge/config-yaml` for what is too long or not UTF-8 */
export async function configText(file: TextFile): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of file.stream()) {
    size += part.length;
    if (size > MAX_BYTES) {
      throw badConfig(
        "yaml",
        "",
        `${file.name} has over ${MAX_BYTES} bytes.`,
        "Is it the right file?",
        {
          file: file.name,
          limit: MAX_BYTES,
        },
      );
    }
    parts.push(part.slice()); // a stream may fill its buffer again
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(all);
  } catch {
    throw badConfig("yaml", "", `${file.name} is not UTF-8 text.`, "Is it the right file?", {
      file: file.name,
    });
  }
}
