import type { EngineTask } from "./task.ts";

/** What a contender is given besides its task. */
export interface How {
  readonly threads: number;
  /** Where the contestants' node_modules are: an address in a page, a folder in Node; both end with a slash. */
  readonly contestants: string;
  /** The folder of the ONNX model of the task, likewise; undefined where nobody needs it. */
  readonly model: string | undefined;
}

/** A task that is ready. */
export interface Work {
  /** Library, version and what it computes on. */
  readonly is: string;
  /**
   * Does the task once. What differs from run to run goes in from the host (the left operand, tokens, vectors), weights
   * are with the engine already, and the result comes out to the host: so for everybody.
   */
  turn(): Promise<ArrayLike<number>>;
  close(): Promise<void>;
}

/** Gets a task ready. Throws where it cannot be done. */
export type Contender = (task: EngineTask, how: How) => Promise<Work>;

/** A contender has no way to do a kind of task. */
export function cannot(what: string): never {
  throw new Error(`It has no ${what}.`);
}
