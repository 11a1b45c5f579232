import type { Address } from "../../worker/run.js";
import { checkWeights } from "../methods/checks.ts";
import { LEAST } from "../methods/nearswap.ts";
import { type Program, programOf, type Writer } from "../program.ts";
import type { ProgramRequest } from "../program-for.ts";
import { numberOf, rolesOf } from "./roles.ts";

/** An input and what it is multiplied by. */
interface Term {
  readonly input: number;
  readonly factor: number;
}

/** Writes `Σ cᵢxᵢ`, in the given order, as `combination` of the methods has it. */
export function combine({ op, stored }: Writer, out: Address, terms: readonly Term[]): void {
  if (terms.length === 0) op("zeros", out);
  for (const [k, { factor, input }] of terms.entries())
    op(k === 0 ? "scaledStored" : "addStored", out, ...stored(input), factor);
}

/** See `linear`. */
export function linearProgram({ planned: { inputs, parameters } }: ProgramRequest): Program {
  const weights = inputs.map((input) => numberOf(input.parameters, "weight"));
  if (parameters.normalize === true) checkWeights("linear", weights);
  return programOf((writer) => {
    const out = writer.out();
    combine(
      writer,
      out,
      weights.map((factor, input) => ({ input, factor })),
    );
    const total = weights.reduce((a, b) => a + b, 0);
    if (parameters.normalize === true && total !== 1) writer.op("divided", out, total);
  });
}

/** See `passthrough`. */
export function passthroughProgram({ planned: { inputs } }: ProgramRequest): Program {
  const scale = inputs[0]?.parameters?.scale;
  return programOf((writer) => {
    combine(writer, writer.out(), [{ input: 0, factor: typeof scale === "number" ? scale : 1 }]);
  });
}

/** See `nearswap`. */
export function nearswapProgram({ planned }: ProgramRequest): Program {
  const { base, others } = rolesOf(planned);
  return programOf(({ x, out, op }) => {
    const other = others[0]?.at ?? -1;
    op("near", out(), x(base), x(other), numberOf(planned.parameters, "t"), LEAST);
  });
}
