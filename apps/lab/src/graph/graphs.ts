import type { GraphAnswers, GraphQuestion, GraphReply } from "./graph-messages.ts";

/** Asks the worker of graphs: a graph is read, kept whole and pruned there, and the page never waits for it. */
export interface Graphs {
  ask<Ask extends GraphQuestion["ask"]>(
    question: Extract<GraphQuestion, { readonly ask: Ask }>,
    transfer?: readonly Transferable[],
  ): Promise<GraphAnswers[Ask]>;
  close(): void;
}

/** A failure that the worker has told, in sentences. */
class GraphFault extends Error {
  readonly remedy: string | undefined;

  constructor({
    message,
    remedy,
  }: { readonly message: string; readonly remedy: string | undefined }) {
    super(message);
    this.remedy = remedy;
  }
}

export function graphsOf(worker: Worker): Graphs {
  const waiting = new Map<
    number,
    { readonly resolve: (answer: never) => void; readonly reject: (error: Error) => void }
  >();
  let next = 0;
  const end = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.addEventListener("message", ({ data }: MessageEvent<GraphReply>) => {
    const own = waiting.get(data.id);
    waiting.delete(data.id);
    if ("failure" in data) own?.reject(new GraphFault(data.failure));
    else own?.resolve(data.answer as never); // the answer to what was asked by this number
  });
  worker.addEventListener("error", ({ message }) => end(new Error(message)));
  return {
    ask: async (question, transfer = []) =>
      await new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ ...question, id }, [...transfer]);
      }),
    close: () => {
      worker.terminate();
      end(new Error("The worker of graphs was ended."));
    },
  };
}
