import { onceMade } from "@resolvent/tensor";
import type { ByteSource, Folder, ReadOptions } from "@resolvent/weights";

/** What is asked of a file first: its header, most of the time. */
const HEAD_BYTES = 2 ** 16;

/** A folder of small files, each fetched once: weights are read for either precision, and for their hash. */
export function heldFiles(folder: Folder): Folder {
  type Opens = (options?: ReadOptions) => Promise<ByteSource | undefined>;
  const opens = new Map<string, Opens>();
  return {
    ...folder,
    open: async (file, options) => {
      const open = opens.get(file) ?? onceMade(async (own) => held(await folder.open(file, own)));
      opens.set(file, open);
      return await open(options);
    },
  };
}

function held(source: ByteSource | undefined): ByteSource | undefined {
  if (source === undefined) return undefined;
  const whole = onceMade(
    async (size: number, options: ReadOptions | undefined) => await source.read(0, size, options),
  );
  return {
    ...source,
    read: async (start, end, options) => {
      const size = await source.size(options);
      if (end <= HEAD_BYTES || end > size) return await source.read(start, end, options);
      return (await whole(size, options)).slice(start, end);
    },
  };
}
