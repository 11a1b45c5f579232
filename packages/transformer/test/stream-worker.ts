import { createCpu } from "@resolvent/cpu";
import { blobSource, memoryFolder, readOnThread } from "@resolvent/weights";
import { loadModel, run } from "../src/index.ts";

/** The logits of the model in these files, whole and streamed. */
async function bothWays(files: readonly (readonly [string, Blob])[]): Promise<unknown> {
  const cpu = await createCpu({ threads: 2 });
  const folder = memoryFolder(new Map(files.map(([name, blob]) => [name, blobSource(blob)])));
  const logits = async (stream: boolean): Promise<unknown> => {
    const model = await loadModel(cpu, stream ? await readOnThread(folder) : folder, { stream });
    return cpu.read(run(cpu, model, [3, 1, 4, 1, 5]).logits);
  };
  return [await logits(false), await logits(true)];
}

self.onmessage = async ({ data }) => {
  self.postMessage(await bothWays(data).catch(String));
};
