import { slerpFactors } from "../methods/slerp.ts";
import { type Program, programOf } from "../program.ts";
import type { ProgramRequest } from "../program-for.ts";
import { combine } from "./entrywise.ts";
import { numberOf, rolesOf } from "./roles.ts";
import { totals } from "./totals.ts";

/** See `slerp`: one pass finds the angle. */
export async function slerpProgram({ planned, pass }: ProgramRequest): Promise<Program> {
  const { base, others } = rolesOf(planned);
  const inputs = planned.inputs.length;
  const other = others[0]?.at ?? -1;
  const sums = await totals(
    pass,
    programOf({ inputs }, ({ xs, op, numbers }) => {
      op("products", xs[base] as number, xs[other] as number, numbers(3)); // the plan has both
    }),
  );
  const [aa = 0, ab = 0, bb = 0] = sums;
  const [ofBase, ofOther] = slerpFactors({ aa, ab, bb }, numberOf(planned.parameters, "t"));
  return programOf({ inputs }, (writer) => {
    combine(writer, writer.out(), [
      { factor: ofBase, x: writer.xs[base] as number },
      { factor: ofOther, x: writer.xs[other] as number },
    ]);
  });
}
