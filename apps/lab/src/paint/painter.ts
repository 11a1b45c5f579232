import type { PaintQuestion, PaintReply } from "./paint-messages.ts";

let worker: Worker | undefined;
/** One picture after the other: who has gone on by then wants none. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * A drawing as a picture, painted in a worker: thousands of curves take seconds where no graphics processor paints them.
 * Undefined where it is wanted no longer once its turn has come.
 */
export async function pictureOf(
  question: PaintQuestion,
  wanted: () => boolean,
): Promise<ImageBitmap | undefined> {
  const made = turn.then(async () => (wanted() ? await painted(question) : undefined));
  turn = made.catch(() => {}); // whoever has asked is told
  return await made;
}

async function painted(question: PaintQuestion): Promise<ImageBitmap> {
  worker ??= new Worker(new URL("./paint-worker.ts", import.meta.url), { type: "module" });
  const own = worker;
  return await new Promise((resolve, reject) => {
    own.onmessage = ({ data }: MessageEvent<PaintReply>) => {
      if ("picture" in data) resolve(data.picture);
      else reject(new Error(data.failure));
    };
    own.onerror = ({ message }) => {
      // One that could not be started answers nobody: the next picture has another.
      own.terminate();
      if (worker === own) worker = undefined;
      reject(new Error(message));
    };
    own.postMessage(question);
  });
}
