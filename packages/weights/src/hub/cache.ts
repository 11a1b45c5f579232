import type { ByteSource, ReadOptions } from "../source.ts";
import type { HubBlob } from "./names.ts";

/** A file of a repository at a commit, as a hub describes it. */
export interface HubFile {
  readonly commit: string;
  readonly file: string;
  readonly blob: HubBlob;
}

/** A hash in the making; its digest in lower-case hexadecimal. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  hex(): string;
}

/**
 * A file on its way, in pieces of one length (the last may be shorter), each filled from its start. It belongs
 * to whoever has begun it; nobody else writes to it, and it is found under no name but its own until `finish`.
 */
export interface PartialBlob {
  /** Bytes in a piece. */
  readonly pieceBytes: number;
  /** Bytes of piece `i` that are there. */
  filled(piece: number): number;
  /** Bytes added at the end of what is there. One call at a time for a piece. */
  append(piece: number, bytes: Uint8Array): Promise<void>;
  /** Bytes of pieces that are whole. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Forgets what is there. */
  restart(): Promise<void>;
  /** Makes it the blob, at once; false where it was taken away meanwhile, and has to be begun again. */
  finish(): Promise<boolean>;
  /** Removes it. */
  discard(): Promise<void>;
  /** Lets go of it; what is there stays for the next. Does nothing after `finish` and `discard`. */
  close(): Promise<void>;
}

/** The cache of one repository: what hub downloads need of a disk or a browser's storage. */
export interface HubCache {
  /** What messages call it. */
  readonly name: string;
  /** The commit that a branch or tag was at when it was last fetched. */
  commitOf(revision: string): Promise<string | undefined>;
  setCommit(revision: string, commit: string): Promise<void>;
  /** The file, if it is here; files that are here are whole. */
  open(commit: string, file: string, options?: ReadOptions): Promise<ByteSource | undefined>;
  /** Whether the repository is known not to have the file. */
  isAbsent(commit: string, file: string): Promise<boolean>;
  setAbsent(commit: string, file: string): Promise<void>;
  /** Gives a blob that is here its name; false where the blob is not here. */
  link(file: HubFile): Promise<boolean>;
  /** Bytes of the blob that need not be fetched: it is here, or an unfinished download of it. */
  started(blob: HubBlob): Promise<number>;
  /** Bytes that can still be stored, where that is known. */
  free(): Promise<number | undefined>;
  /** A file to fill, continued where one was left; undefined where another has finished it while we waited. */
  begin(file: HubFile, signal?: AbortSignal): Promise<PartialBlob | undefined>;
  sha1(): Hasher;
  sha256(): Hasher;
}
