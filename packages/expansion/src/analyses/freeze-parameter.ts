import * as z from "zod";
import { GATES, type Gate } from "../gates.ts";

/** The parameter `freeze` of analyses: gates, these where none are named. */
export function freezeParameter(
  preset: readonly Gate[],
): z.ZodType<readonly Gate[], readonly Gate[] | undefined> {
  return z
    .array(z.enum(GATES))
    .default([...preset])
    .meta({ title: "gates", description: "gates frozen at their values in this run" });
}
