import { checkWeights } from "../methods/checks.ts";
import { LEAST } from "../methods/nearswap.ts";
import { type Program, programOf, type Writer } from "../program.ts";
import type { ProgramRequest } from "../program-for.ts";
import { numberOf, rolesOf } from "./roles.ts";

/** Writes `Σ cᵢxᵢ`, in the given order, as `combination` of the methods has it. */
export function combine(
  { op }: Writer,
  out: number,
  terms: readonly { readonly factor: number; readonly x: number }[],
): void {
  if (terms.length === 0) op("zeros", out);
  for (const [k, { factor, x }] of terms.entries())
    op(k === 0 ? "scaled" : "addScaled", out, x, factor);
}

/** See `linear`. */
export function linearProgram({ planned: { inputs, parameters } }: ProgramRequest): Program {
  const weights = inputs.map((input) => numberOf(input.parameters, "weight"));
  if (parameters.normalize === true) checkWeights("linear", weights);
  return programOf({ inputs: inputs.length }, (writer) => {
    const out = writer.out();
    const terms = writer.xs.map((x, i) => ({ factor: weights[i] as number, x })); // one for each
    combine(writer, out, terms);
    const total = weights.reduce((a, b) => a + b, 0);
    if (parameters.normalize === true && total !== 1) writer.op("divided", out, total);
  });
}

/** See `passthrough`. */
export function passthroughProgram({ planned: { inputs } }: ProgramRequest): Program {
  const scale = inputs[0]?.parameters?.scale;
  return programOf({ inputs: inputs.length }, ({ xs, out, op }) => {
    op("scaled", out(), xs[0] as number, typeof scale === "number" ? scale : 1); // it has one
  });
}

/** See `nearswap`. */
export function nearswapProgram({ planned }: ProgramRequest): Program {
  const { base, others } = rolesOf(planned);
  return programOf({ inputs: planned.inputs.length }, ({ xs, out, op }) => {
    const other = others[0]?.at ?? -1;
    // The plan has both.
    op(
      "near",
      out(),
      xs[base] as number,
      xs[other] as number,
      numberOf(planned.parameters, "t"),
      LEAST,
    );
  });
}
