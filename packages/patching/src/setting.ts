import type { ReferenceFacts } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { levelName, type PatchLevel } from "./graph.ts";
import type { Measure } from "./measure.ts";

/** What a patched part writes instead. */
export type PatchReference =
  /** Nothing. */
  | { readonly kind: "zero" }
  /** What it writes in the mean over all positions of some prompts. */
  | { readonly kind: "mean"; readonly prompts: readonly (readonly number[])[] }
  /** What it writes at the same position of the pair's corrupt prompt. */
  | { readonly kind: "run" };

/** Everything that the outcome of patching depends on (Heimersheim & Nanda 2024), apart from the prompts. */
export type PatchSetting = {
  /**
   * What is patched.
   *
   * - `node`: all that a source writes.
   * - `edge`: what a source writes, for one receiver only; the receiver and everything after it computed anew.
   * - `branch`: what a source writes, along one path of the computational tree: the receiver passes its change
   *   on to the output alone, and nothing else sees anything.
   */
  readonly kind: "node" | "edge" | "branch";
  readonly level: PatchLevel;
  /** What is measured, at the last position. */
  readonly measure: Measure;
} & (
  | {
      readonly reference: { readonly kind: "run" };
      /** `noise`: parts of the corrupt run in the clean one; `denoise`: parts of the clean run in the corrupt one. */
      readonly direction: "noise" | "denoise";
    }
  | {
      /** Neither zeros nor a mean is a run that something could be restored in. */
      readonly reference: Exclude<PatchReference, { readonly kind: "run" }>;
      readonly direction: "noise";
    }
);

/** A setting as results carry it: the level by its name. */
export interface SettingFacts {
  readonly kind: PatchSetting["kind"];
  readonly level: string;
  readonly measure: PatchSetting["measure"];
  readonly reference: ReferenceFacts;
  readonly direction: PatchSetting["direction"];
}

/** The setting as data. */
export function settingFacts(setting: PatchSetting): SettingFacts {
  return {
    ...setting,
    level: levelName(setting.level),
    reference: referenceFacts(setting.reference),
  };
}

/** A reference as results carry it: the run is that of each pair. */
export function referenceFacts(reference: PatchReference): ReferenceFacts {
  return { kind: reference.kind, prompts: reference.kind === "mean" ? reference.prompts : [] };
}

/** How effects are found. */
export type PatchMethod =
  /** By intervention. */
  | "exact"
  /** `⟨∂target/∂r_r, δ_s⟩` at the run: edge attribution patching (Syed et al. 2023); of nodes, attribution patching (Nanda 2023). */
  | "eap"
  /** The gradient averaged over `m` embeddings between reference and run (Hanna et al. 2024). */
  | "eap-ig"
  /** The gradient averaged over `m` values of the source between reference and run, all else of the run's. */
  | "eap-ig-activations";

/** How the effects of a result were found: by a method, or `given` with the question. */
export type EffectMethod = PatchMethod | "given";

export const PATCH_METHODS: readonly PatchMethod[] = [
  "exact",
  "eap",
  "eap-ig",
  "eap-ig-activations",
];

/** A setting from plain words, checked. Throws `patching/bad-setting` for what has no meaning. */
export function patchSetting(words: {
  readonly kind: PatchSetting["kind"];
  readonly level: PatchLevel;
  readonly reference: PatchReference;
  readonly direction: PatchSetting["direction"];
  /** Default `logit-difference`. */
  readonly measure?: Measure;
}): PatchSetting {
  const { kind, level, reference, direction, measure = "logit-difference" } = words;
  if (level === "stream" && kind !== "node") {
    throw new InputError({
      code: "patching/stream-is-a-node",
      message: `The stream at a point has no edges and no branches, got the kind ${kind}.`,
      remedy: "Patch nodes, mostly position by position; or edges of another level.",
      details: { kind },
    });
  }
  if (reference.kind === "run") return { kind, level, measure, reference, direction };
  if (direction === "noise") return { kind, level, measure, reference, direction };
  throw new InputError({
    code: "patching/bad-setting",
    message: `Denoising restores parts of the clean run in another run; the reference ${reference.kind} is none.`,
    remedy: "Take the reference run with a corrupt prompt, or the direction noise.",
    details: { reference: reference.kind, direction },
  });
}
