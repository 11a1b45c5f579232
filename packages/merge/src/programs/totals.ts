import type { Pass } from "../cuts.ts";
import type { Program } from "../program.ts";

/** The sums of a program's numbers over all pieces, one piece after the other, as `sum` of the methods adds stretches up. */
export async function totals(pass: Pass, program: Program): Promise<Float64Array> {
  const count = program.numbers.length;
  const sums = new Float64Array(count);
  await pass(program, ({ numbers }) => {
    for (let i = 0; i < numbers.length; i++)
      sums[i % count] = (sums[i % count] as number) + (numbers[i] as number); // in range
  });
  return sums;
}
