/** How near an engine comes to the float64 reference. */
export interface EngineAccuracy {
  /** Of one primitive: the largest error, relative to the largest number of its result (or of the same sum over magnitudes). */
  readonly primitive: number;
  /** Of what is computed from many of them (logits, terms, effects), relative to the largest of a list. */
  readonly result: number;
}

/** Eight times the largest error that was seen on cpu and gpujs (1.2e-6), of single paths: sums of terms that cancel. */
const f32Result = 1e-5;

/**
 * The engines, each with its tolerances, and why they are no nearer and no further: every suite that runs on several takes
 * them from here, and whoever shows numbers takes from here which of their digits another engine may have otherwise.
 */
export const engineAccuracy: Readonly<
  Record<"reference" | "cpu f64" | "cpu f32" | "gpujs" | "webgpu", EngineAccuracy>
> = {
  // The others are held against it.
  reference: { primitive: 0, result: 0 },
  // The same precision with sums in another order; the system's BLAS adds in yet another.
  "cpu f64": { primitive: 1e-13, result: 1e-10 },
  // Numbers are rounded at 6e-8; sums over hundreds of terms are made in a few partial sums each.
  "cpu f32": { primitive: 1e-6, result: f32Result },
  // f32 as on the cpu, sums in blocks of 32; exp and log of GLSL may be off by 3 units in the last place, and more for large arguments.
  gpujs: { primitive: 1e-6, result: f32Result },
  // f32 as on the cpu; sums are split among threads, and exp, log and the gates, which are the engine's own, are right to about two steps.
  webgpu: { primitive: 1e-6, result: f32Result },
};
