import type { Dtype } from "@resolvent/weights";
import type { Address } from "../../worker/run.js";
import { checkWeights } from "../methods/checks.ts";
import { LEAST } from "../methods/nearswap.ts";
import { type Program, programOf, type Writer } from "../program.ts";
import type { ProgramRequest } from "./request.ts";
import { numberOf, rolesOf } from "./roles.ts";

/** An input and what it is multiplied by. */
interface Term {
  readonly input: number;
  readonly factor: number;
}

interface SumOptions {
  /** How the inputs are stored. */
  readonly dtypes: readonly Dtype[];
  /** What the terms are added to; default −0, to which they are as they are. */
  readonly start?: number;
  /** What the sum is divided by. */
  readonly by?: number;
}

/** Writes `(start + Σ cᵢxᵢ) / by`, in the given order, as `combination` of the methods has it. */
export function combine(
  { op, stored, table }: Writer,
  out: Address,
  terms: readonly Term[],
  { dtypes, start = -0, by = 1 }: SumOptions,
): void {
  const [one, ...more] = terms;
  if (one !== undefined && more.length > 0 && areAlike(dtypes)) {
    const rows = table(terms.map(({ input, factor }) => [{ stored: input }, factor]));
    op("combinedStored", out, ...stored(one.input), rows, terms.length, start, by);
    return;
  }
  const bare = Object.is(start, -0);
  if (one === undefined || !bare) op("zeros", out);
  for (const [k, { factor, input }] of terms.entries())
    op(k === 0 && bare ? "scaledStored" : "addStored", out, ...stored(input), factor);
  if (by !== 1) op("divided", out, by);
}

/** Whether kernels take all inputs together, as they are stored. */
export function areAlike(dtypes: readonly Dtype[]): boolean {
  return dtypes[0] !== "F64" && dtypes.every((dtype) => dtype === dtypes[0]);
}

/** See `linear`. */
export function linearProgram({ planned, dtypes }: ProgramRequest): Program {
  const { inputs, parameters } = planned;
  const weights = inputs.map((input) => numberOf(input.parameters, "weight"));
  if (parameters.normalize === true) checkWeights("linear", weights);
  const total = weights.reduce((a, b) => a + b, 0);
  const terms = weights.map((factor, input) => ({ input, factor }));
  const by = parameters.normalize === true ? total : 1;
  return programOf((writer) => combine(writer, writer.out(), terms, { dtypes, by }));
}

/** See `passthrough`. */
export function passthroughProgram({ planned: { inputs }, dtypes }: ProgramRequest): Program {
  const scale = inputs[0]?.parameters?.scale;
  const term = { input: 0, factor: typeof scale === "number" ? scale : 1 };
  return programOf((writer) => combine(writer, writer.out(), [term], { dtypes }));
}

/** See `nearswap`. */
export function nearswapProgram({ planned }: ProgramRequest): Program {
  const { base, others } = rolesOf(planned);
  return programOf(({ x, out, op }) => {
    const other = others[0]?.at ?? -1;
    op("near", out(), x(base), x(other), numberOf(planned.parameters, "t"), LEAST);
  });
}
