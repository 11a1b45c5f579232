import { failureOf } from "@resolvent/analysis/remote";
import { isInputError } from "@resolvent/tensor";
import { blobSource, memoryFolder, openCheckpoint, urlFolder } from "@resolvent/weights";
import { checkpointSha256 } from "@resolvent/weights/hash";
import {
  type HubOptions,
  type HubWait,
  hubBlobs,
  hubFolder,
  removeStoredRepo,
  storedRepos,
} from "@resolvent/weights/hub";
import type {
  ErrandMessage,
  ErrandOptions,
  Fetched,
  Stored,
  Told,
  ToldMessage,
} from "./messages.ts";

const stops = new Map<number, AbortController>();

addEventListener("message", ({ data }) => void hear(data as ErrandMessage)); // of the page that started it

async function hear(message: ErrandMessage): Promise<void> {
  const { id } = message;
  const stop = new AbortController();
  stops.set(id, stop);
  const tell = (told: Told): void => postMessage({ ...told, to: id } satisfies ToldMessage);
  try {
    tell(
      await run(message, {
        signal: stop.signal,
        onProgress: (progress) => tell({ progress }),
        onWait: (waits) => tell({ waits }),
      }),
    );
  } catch (error) {
    tell({ failure: failureOf(error) });
  } finally {
    stops.delete(id);
  }
}

async function run(
  errand: ErrandMessage,
  { signal, onProgress, onWait }: Required<ErrandOptions>,
): Promise<Told> {
  switch (errand.ask) {
    case "hash": {
      const files = errand.files.map(([name, blob]) => [name, blobSource(blob, name)] as const);
      const checkpoint = await openCheckpoint(memoryFolder(new Map(files), "files"), { signal });
      return { sha256: await checkpointSha256(checkpoint, { signal, onProgress }) };
    }
    case "size": {
      const { files } = await openCheckpoint(urlFolder(errand.address), { signal });
      return { bytes: [...files.values()].reduce((sum, { size }) => sum + size, 0) };
    }
    case "fetch": {
      const { repo, revision, endpoint } = errand;
      const options = {
        ...{ revision, endpoint, signal, onProgress },
        onWait: ({ ms, failure }: HubWait) => onWait({ ms, failure: failureOf(failure) }),
      };
      return { fetched: await fetched(repo, options) };
    }
    case "list":
      return { stored: await stored() };
    case "remove":
      await removeStoredRepo(errand.repo);
      return { done: true };
    case "cancel":
      stops.get(errand.errand)?.abort();
      return { done: true };
  }
}

/** Where a model may not, or cannot, be stored: it is held in memory. */
const NO_ROOM: readonly string[] = ["weights/hub-disk-full", "weights/hub-no-storage"];

async function fetched(repo: string, options: HubOptions): Promise<Fetched> {
  try {
    return { commit: (await hubFolder(repo, options)).commit };
  } catch (error) {
    if (!isInputError(error) || !NO_ROOM.includes(error.code)) throw error;
    const { commit, files } = await hubBlobs(repo, options);
    const why = error.message.slice(0, -(error.remedy ?? "").length).trimEnd();
    return { commit, inMemory: { files: [...files], why } };
  }
}

async function stored(): Promise<Stored> {
  const { usage, quota } = await navigator.storage.estimate();
  const persisted = await navigator.storage.persisted();
  return { repos: await storedRepos(), usage, quota, persisted };
}
