import { InputError } from "@resolvent/tensor";
import type { Site } from "@resolvent/transformer";
import type { FitState } from "./fit.ts";
import type { TallyState } from "./tally.ts";

/** What unfinished work has so far, as plain data. */
export interface LinearityState {
  readonly kind: "linearity-state";
  readonly version: 2;
  /** What it belongs to: model, sample, settings. */
  readonly of: string;
  readonly phase: "fit" | "lens" | "score";
  /** Batches of the phase that are done. */
  readonly done: number;
  readonly fits: ReadonlyMap<Site, FitState>;
  /** By lens: A, b and their moments; none before they are trained. */
  readonly lenses: ReadonlyMap<Site, readonly Float64Array[]>;
  readonly tally: TallyState;
}

/** A state that says what it is and belongs to. */
interface Kept {
  readonly kind: string;
  readonly version: number;
  readonly of: string;
}

/**
 * A state that was kept for the same work, or undefined where there is none.
 *
 * @param kind of the state, `linearity-state`, and its version
 * @throws InputError `linearity/other-state` for anything else
 */
export function checkState<S extends Kept>(
  saved: unknown,
  { kind, version, of }: Pick<S, "kind" | "version" | "of">,
): S | undefined {
  if (saved === undefined) return undefined;
  const found = Object(saved) as Partial<Kept>; // looked at before it is used
  if (found.kind === kind && found.version === version && found.of === of) return saved as S; // it says so
  throw new InputError({
    code: "linearity/other-state",
    message:
      found.kind === kind
        ? "The file to resume from was kept for another model, corpus or setting, or by another version."
        : `The file to resume from holds no state of ${kind.replace(/-state$/, "")}.`,
    remedy: "Name a new file, or repeat the command as it was.",
    details: { expected: of, got: found.of },
  });
}

/** A short name for a text or a list of numbers (FNV-1a, 32 bits twice). */
export function digest(parts: Iterable<number>): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const part of parts) {
    a = Math.imul(a ^ part, 0x01000193) >>> 0;
    b = Math.imul(b ^ (part + 0x9e37), 0x85ebca6b) >>> 0;
  }
  return a.toString(16).padStart(8, "0") + b.toString(16).padStart(8, "0");
}
