import type { PromptSet } from "./prompt-set.ts";
import type { Result } from "./result.ts";
import { certificatesOf, soundnessOf } from "./soundness.ts";

/** Gathers the certificates of results of several prompts: of each error the worst. */
export function setCertificates(): {
  add(line: number, result: Result): void;
  found(): Pick<PromptSet, "certificate" | "aboveTolerance">;
} {
  const worst: Record<string, number | null> = {};
  const above: number[] = [];
  let count = 0;
  return {
    add: (line, result) => {
      for (const certificate of certificatesOf(result)) {
        count++;
        for (const [name, error] of Object.entries(certificate)) {
          const before = worst[name] ?? null;
          if (error === null) worst[name] = before;
          if (typeof error !== "number") continue;
          // What is not a number is worst: comparisons with it are false.
          worst[name] = before === null || !(error <= before) ? error : before;
        }
      }
      if (soundnessOf(result).unbalanced.length > 0) above.push(line);
    },
    found: () => ({ certificate: count === 0 ? null : worst, aboveTolerance: above }),
  };
}
