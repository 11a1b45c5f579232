/** The numbers that all contestants compute with: made by name, so that each has the same without a file. */
import { randomNumbers } from "../random.ts";
import type { EngineTask, ModelTask } from "./task.ts";

/** Half the width of a uniform distribution of standard deviation 0.02, as GPT-2's own weights have (Radford et al. 2019). */
const SPREAD = 0.07;

/** Numbers of an operand. */
export function operand(name: string, size: number): Float32Array {
  const random = randomNumbers(seedOf(name));
  return Float32Array.from({ length: size }, random);
}

/** Numbers of a weight by its name in GPT-2's checkpoints; scales of norms are near 1. */
export function weight(name: string, size: number): Float32Array {
  const random = randomNumbers(seedOf(name));
  const middle = /ln_\w+\.weight$/.test(name) ? 1 : 0;
  const numbers = new Float32Array(size);
  for (let i = 0; i < size; i++) numbers[i] = middle + SPREAD * random();
  return numbers;
}

/** Tokens of a run. */
export function tokens({ config, pos }: ModelTask): number[] {
  return Array.from({ length: pos }, (_, i) => (i * 7919) % config.vocab_size);
}

/** At most so many numbers of a result are compared. */
const SAMPLE = 4096;

/** Some entries of a result, evenly spread; of an encoding each row's by falling value, since contestants order them otherwise. */
export function sample(task: EngineTask, numbers: ArrayLike<number>): Float32Array {
  const ordered = Float32Array.from(numbers);
  if (task.kind === "encode") {
    for (let at = 0; at < ordered.length; at += task.k)
      ordered.subarray(at, at + task.k).sort((x, y) => y - x);
  }
  const step = Math.max(1, Math.floor(ordered.length / SAMPLE));
  const length = Math.ceil(ordered.length / step);
  return Float32Array.from({ length }, (_, i) => ordered[i * step] ?? Number.NaN);
}

/** FNV-1a */
function seedOf(name: string): number {
  let hash = 2166136261;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16777619);
  return hash >>> 0;
}
