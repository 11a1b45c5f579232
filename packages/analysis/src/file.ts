import type { Folder } from "@resolvent/weights";

/** A file that is read as it comes by: a browser's `File` is one. */
export interface TextFile {
  /** Its name or path, as it is called in messages and results. */
  readonly name: string;
  /** Its bytes, from the start, each time it is called. */
  stream(): AsyncIterable<Uint8Array>;
}

/** A text as a file that is read. */
export function textFile(name: string, text: string): TextFile {
  return {
    name,
    stream: async function* () {
      yield new TextEncoder().encode(text);
    },
  };
}

/** A file that is written: a path on a command line, a download in a browser. */
export interface NewFile {
  /** Its name or path, as it is called in messages. */
  readonly name: string;
  /**
   * Writes it, piece by piece: all of it or nothing. `bytes` is about how many there are.
   * @throws InputError where it cannot be written
   */
  write(pieces: AsyncIterable<Uint8Array>, bytes: number): Promise<void>;
}

/** A folder of files that is written: a path on a command line. */
export interface NewFolder {
  /** Its name or path, as it is called in messages. */
  readonly name: string;
  /** Where it is on this machine, for what writes its files itself; absent where it is nowhere yet, as in a browser. */
  readonly path?: string;
  /**
   * Writes its files, as `fill` says: all of them or none. `bytes` is about how many there are. `fill` may read what it has
   * written, in `written`, where that can be read before it is all there.
   * @throws InputError where it cannot be written
   */
  write(fill: (file: WriteFile, written?: Folder) => Promise<void>, bytes: number): Promise<void>;
}

/** Writes one file of a folder, piece by piece. */
export type WriteFile = (file: string, pieces: AsyncIterable<Uint8Array>) => Promise<void>;
