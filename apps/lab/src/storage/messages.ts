import type { Failure } from "@resolvent/analysis/remote";
import type { HubProgress, StoredRepo } from "@resolvent/weights/hub";
import type { NamedFiles } from "../worker/named-files.ts";

/** What the keeper of models can be asked to do. */
export type Errand =
  /** The hash that names the weights among these files. */
  | { readonly ask: "hash"; readonly files: NamedFiles }
  /** How many bytes the weights at an address have: headers are read. */
  | { readonly ask: "size"; readonly address: string }
  /** To fetch a model from a hub into the browser's storage, or where that has no room into memory; tells its commit. */
  | {
      readonly ask: "fetch";
      readonly repo: string;
      readonly revision: string;
      readonly endpoint: string;
    }
  | { readonly ask: "list" }
  | { readonly ask: "remove"; readonly repo: string }
  | { readonly ask: "cancel"; readonly errand: number };

/** How far an errand is. */
export type ErrandProgress = Pick<HubProgress, "done" | "total"> & Partial<HubProgress>;

/** A request to the Hub that has failed, and is made again later. */
export interface Waits {
  /** Milliseconds. */
  readonly ms: number;
  readonly failure: Failure;
}

/** What can be heard of an errand while it is run. */
export interface ErrandOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ErrandProgress) => void;
  readonly onWait?: (waits: Waits) => void;
}

/** What is stored, and how much room there is. */
export interface Stored {
  readonly repos: readonly StoredRepo[];
  readonly usage: number | undefined;
  readonly quota: number | undefined;
  /** Whether the browser keeps it also where the disk is full. */
  readonly persisted: boolean;
}

/** A model that was fetched. */
export interface Fetched {
  readonly commit: string;
  /** Its files, where the browser's storage had no room for them, and why. */
  readonly inMemory?: { readonly files: NamedFiles; readonly why: string };
}

export type Told =
  | { readonly progress: ErrandProgress }
  | { readonly waits: Waits }
  | { readonly sha256: string }
  | { readonly bytes: number }
  | { readonly fetched: Fetched }
  | { readonly stored: Stored }
  | { readonly done: true }
  | { readonly failure: Failure };

export type ErrandMessage = Errand & { readonly id: number };
export type ToldMessage = Told & { readonly to: number };
