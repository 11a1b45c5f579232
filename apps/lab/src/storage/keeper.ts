import { errorOf } from "@resolvent/analysis/remote";
import type { HubModel } from "../state/own-names.ts";
import type { NamedFiles } from "../worker/named-files.ts";
import type { Errand, ErrandOptions, Fetched, Stored, Told, ToldMessage } from "./messages.ts";

/** Hashes, fetches and stores models, in a worker of its own: it goes on while analyses run. */
export interface Keeper {
  hash(files: NamedFiles, options?: ErrandOptions): Promise<string>;
  /** Bytes of the weights at an address. */
  size(address: string, options?: ErrandOptions): Promise<number>;
  fetch(model: HubModel, endpoint: string, options?: ErrandOptions): Promise<Fetched>;
  stored(): Promise<Stored>;
  remove(repo: string): Promise<void>;
}

export function startKeeper(): Keeper {
  const worker = new Worker(new URL("./storage-worker.ts", import.meta.url), { type: "module" });
  const waiting = new Map<number, { hear(told: Told): void; fail(error: Error): void }>();
  let next = 0;
  worker.addEventListener("message", ({ data }: MessageEvent<ToldMessage>) =>
    waiting.get(data.to)?.hear(data),
  );
  worker.addEventListener("error", ({ message }) => {
    for (const { fail } of waiting.values())
      fail(new Error(`The storage has stopped: ${message}.`));
  });
  const ask = async <Key extends string>(
    errand: Errand,
    key: Key,
    { signal, onProgress, onWait }: ErrandOptions = {},
  ): Promise<Extract<Told, Record<Key, unknown>>> => {
    signal?.throwIfAborted();
    const id = next++;
    const cancel = (): void => worker.postMessage({ id: next++, ask: "cancel", errand: id });
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        const hear = (told: Told): void => {
          if ("progress" in told) onProgress?.(told.progress);
          else if ("waits" in told) onWait?.(told.waits);
          else if ("failure" in told) reject(errorOf(told.failure));
          else if (key in told)
            resolve(told as Extract<Told, Record<Key, unknown>>); // it has the key
          else reject(new Error("The storage has answered something else."));
        };
        waiting.set(id, { hear, fail: reject });
        worker.postMessage({ ...errand, id });
      });
    } finally {
      waiting.delete(id);
      signal?.removeEventListener("abort", cancel);
    }
  };
  return {
    hash: async (files, options) => (await ask({ ask: "hash", files }, "sha256", options)).sha256,
    size: async (address, options) => (await ask({ ask: "size", address }, "bytes", options)).bytes,
    fetch: async (model, endpoint, options) =>
      (await ask({ ask: "fetch", ...model, endpoint }, "fetched", options)).fetched,
    stored: async () => (await ask({ ask: "list" }, "stored")).stored,
    remove: async (repo) => void (await ask({ ask: "remove", repo }, "done")),
  };
}
