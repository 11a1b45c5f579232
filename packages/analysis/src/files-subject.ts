import type { Engine, Shaped } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import type { Host } from "./host.ts";
import type { Progress } from "./subject.ts";

/** What an analysis gets that opens models itself, by names that it has read. */
export interface FilesSubject {
  /**
   * The files of a model by its name, as commands take one: bundled, a path, an address, `org/name@revision` on the Hub.
   * @throws InputError where there is none
   */
  folder(name: string): Promise<Folder>;
  /** Lends an engine to `use`, and closes it, however that ends. */
  engine<R>(use: <T extends Shaped>(engine: Engine<T>) => Promise<R>): Promise<R>;
  /** Threads that may compute; absent where as many may as are useful. */
  readonly threads?: number | undefined;
  /** Told where unfinished work is, from which the same call goes on; whoever stops the work wants to know. */
  kept(place: string): void;
  /** Heeded between pieces of the work. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** A host of such analyses: it need not find a model, or plan memory for one. */
export interface FilesHost
  extends Pick<FilesSubject, "folder" | "engine" | "threads">,
    Pick<Host, "signal" | "onProgress" | "warn"> {
  readonly kept?: (place: string) => void;
}
