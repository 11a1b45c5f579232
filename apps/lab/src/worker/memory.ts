/** What a page lets models have, in bytes: its worker is told so before anything else. */
export interface Memory {
  readonly memory: number;
}

/** Whether a message to a worker says so; where a page says nothing, what it sends is no number. */
export function isMemory(message: unknown): message is Memory {
  const { memory } = Object(message);
  return Number.isSafeInteger(memory) && memory > 0;
}
