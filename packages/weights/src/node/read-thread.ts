import { Worker } from "node:worker_threads";
import type { Folder } from "../folder.ts";
import { readOn, type StartThread, type ThreadFolder, type ThreadOptions } from "../thread.ts";

const startInNode: StartThread = (ready, failed) => {
  const worker = new Worker(new URL("../../worker/read.js", import.meta.url), { execArgv: [] });
  worker.once("message", () => {
    worker.unref(); // a program that forgets close() can end all the same
    ready();
  });
  worker.once("error", failed);
  worker.once("exit", (status) => failed(`ended with ${status}`));
  return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
};

/** See `readOnThread` of `@resolvent/weights`, of which this is the one for Node. */
export async function readOnThread(
  folder: Folder,
  options: ThreadOptions = {},
): Promise<ThreadFolder> {
  return await readOn(startInNode, folder, options);
}
