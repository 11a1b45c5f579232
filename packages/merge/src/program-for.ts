import type { Pass } from "./cuts.ts";
import type { MergeOptions } from "./merge-tensor.ts";
import type { MethodName } from "./method.ts";
import { SPARSIFIERS } from "./methods/task-methods.ts";
import type { PlannedTensor } from "./plan.ts";
import type { Program } from "./program.ts";
import { arceeProgram, modelStockProgram, sceProgram } from "./programs/based.ts";
import { linearProgram, nearswapProgram, passthroughProgram } from "./programs/entrywise.ts";
import {
  karcherProgram,
  multislerpProgram,
  nuslerpProgram,
  slerpProgram,
} from "./programs/spherical.ts";
import { taskProgram } from "./programs/task.ts";

/** A tensor that a program is made for. */
export interface ProgramRequest {
  readonly name: string;
  readonly shape: readonly number[];
  readonly entries: number;
  readonly planned: PlannedTensor;
  /** Goes through the tensor's inputs once. */
  readonly pass: Pass;
}

/** The program of a tensor, after the passes that it needs before; undefined where it takes the whole tensor. */
export async function programFor(
  method: MethodName,
  request: ProgramRequest,
  options: MergeOptions,
): Promise<Program | undefined> {
  switch (method) {
    case "linear":
      return linearProgram(request);
    case "passthrough":
      return passthroughProgram(request);
    case "nearswap":
      return nearswapProgram(request);
    case "slerp":
      return await slerpProgram(request);
    case "nuslerp":
      return await nuslerpProgram(request);
    case "multislerp":
      return await multislerpProgram(request);
    case "karcher":
      return await karcherProgram(request);
    case "model_stock":
      return await modelStockProgram(request);
    case "sce":
      return await sceProgram(request);
    case "arcee_fusion":
      return await arceeProgram(request);
    default:
      return SPARSIFIERS[method] && (await taskProgram(SPARSIFIERS[method], request, options));
  }
}
