import { blobSource, type Folder, memoryFolder } from "@resolvent/weights";

/** Files by name. */
export type NamedFiles = readonly (readonly [string, Blob])[];

/** Where a model of the user's own is: the worker is told so before anybody asks for the model by its name. */
export interface Place {
  readonly place: string;
  /**
   * Files that the user has picked, or the address of a folder of which only headers are wanted; null where it is
   * stored, or no longer is: what was read of it before is let go.
   */
  readonly at: NamedFiles | string | null;
}

/** Whether a message to a worker is a place. */
export function isPlace(message: unknown): message is Place {
  return typeof Object(message).place === "string";
}

/** The folder of such files. */
export function filesFolder(files: NamedFiles): Folder {
  const sources = files.map(([name, blob]) => [name, blobSource(blob, name)] as const);
  return memoryFolder(new Map(sources), "files");
}
