import { createCpu } from "@resolvent/cpu";
import type { AnyEngine, EngineOptions } from "resolvent";
import { READY_BYTES } from "./kept-models.ts";

/** Weights of models that are loaded before anybody asks: `selectEngine` takes cpu for them without a look at others. */
export const READY_WEIGHTS: number = READY_BYTES / 4;

/** What `selectEngine` gives, which is loaded only where it may give another engine than cpu. */
export async function openEngine(options: EngineOptions): Promise<AnyEngine> {
  const { engine, parameters = Number.POSITIVE_INFINITY, ...own } = options;
  if (engine === "cpu" || (engine === undefined && parameters <= READY_WEIGHTS))
    return await createCpu(own);
  const { selectEngine } = await import("./choose.ts");
  return await selectEngine(options);
}
