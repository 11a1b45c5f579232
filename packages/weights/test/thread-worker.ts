import type { HubBlob } from "../src/hub/names.ts";
import { opfsCache } from "../src/hub/opfs.ts";
import { blobSource, memoryFolder, readOnThread, urlSource } from "../src/index.ts";
import { codeOf } from "./make.ts";

/** The bytes of a file, from 1, as a worker reads them at once from each of the places that a browser has. */
async function readEverywhere(bytes: Uint8Array<ArrayBuffer>, url: string): Promise<unknown> {
  const cache = opfsCache(await navigator.storage.getDirectory(), "resolvent/thread", {
    pieceBytes: 4096,
  });
  const blob: HubBlob = { etag: "0".repeat(40), size: bytes.length };
  const at = { commit: "1".repeat(40), file: "model.safetensors", blob };
  const partial = await cache.begin(at);
  for (let piece = 0; partial !== undefined && piece * 4096 < bytes.length; piece++) {
    await partial.append(piece, bytes.slice(piece * 4096, (piece + 1) * 4096));
  }
  await partial?.finish();
  await cache.link(at);
  const stored = await cache.open(at.commit, at.file);
  if (stored === undefined) return "nothing is stored";

  const sources = { blob: blobSource(new Blob([bytes])), url: urlSource(url), opfs: stored };
  const folder = await readOnThread(memoryFolder(new Map(Object.entries(sources))));
  const results: Record<string, unknown> = {};
  for (const name of ["blob", "url", "opfs"]) {
    const source = await folder.open(name);
    await source?.size();
    source?.ahead?.([{ start: 3, end: 9 }]);
    results[name] = [
      source?.readNow?.(1, bytes.length)?.every((byte, i) => byte === bytes[i + 1]),
      source?.readNow?.(3, 9)?.join(),
      await codeOf(() => source?.readNow?.(0, bytes.length + 1)),
    ];
  }
  await folder.close();
  return results;
}

self.onmessage = async ({ data: [bytes, url] }) => {
  self.postMessage(await readEverywhere(bytes, url).catch(String));
};
