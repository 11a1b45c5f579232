import type { Cpu } from "@resolvent/cpu";
import type { AnyEngine } from "./engines/any-engine.ts";
import { type EngineOptions, openEngine } from "./engines/choose.ts";

export { type AnyEngine, ENGINES, type EngineName } from "./engines/any-engine.ts";
export {
  chooseEngine,
  type EngineChoice,
  type EngineOptions,
  type EngineReport,
} from "./engines/choose.ts";
export type { Probe } from "./engines/probe.ts";

/**
 * The engine for this machine and this model: what can compute here is found, and where there is a choice, timed once.
 * `chooseEngine` says why.
 *
 * ```ts
 * const engine = await selectEngine({ precision: "f64" });
 * const slow = await selectEngine({ engine: "gpujs" });
 * ```
 *
 * @throws InputError `resolvent/no-engine`, `resolvent/engine-precision`, what `createCpu` throws
 */
export async function selectEngine(
  options: EngineOptions & { readonly engine: "cpu" },
): Promise<Cpu>;
export async function selectEngine(options?: EngineOptions): Promise<AnyEngine>;
export async function selectEngine(options: EngineOptions = {}): Promise<AnyEngine> {
  return await openEngine(options);
}
