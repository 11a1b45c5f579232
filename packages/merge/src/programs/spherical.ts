import { slerpFactors } from "../methods/slerp.ts";
import { type Program, programOf } from "../program.ts";
import type { ProgramRequest } from "../program-for.ts";
import { combine } from "./entrywise.ts";
import { numberOf, rolesOf } from "./roles.ts";
import { totals } from "./totals.ts";

/** See `slerp`: one pass finds the angle. */
export async function slerpProgram({ planned, pass }: ProgramRequest): Promise<Program> {
  const { base, others } = rolesOf(planned);
  const other = others[0]?.at ?? -1;
  const sums = await totals(
    pass,
    programOf(({ x, op, numbers }) => {
      op("products", x(base), x(other), numbers(3));
    }),
  );
  const [aa = 0, ab = 0, bb = 0] = sums;
  const [ofBase, ofOther] = slerpFactors({ aa, ab, bb }, numberOf(planned.parameters, "t"));
  return programOf((writer) => {
    combine(writer, writer.out(), [
      { input: base, factor: ofBase },
      { input: other, factor: ofOther },
    ]);
  });
}
