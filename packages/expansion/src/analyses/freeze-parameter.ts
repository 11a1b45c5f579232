import { choicesParameter, type Field } from "@resolvent/analysis/parameters";
import { GATES, type Gate } from "../gates.ts";

/** The parameter `freeze` of analyses: gates, these where none are named. */
export function freezeParameter(
  preset: readonly Gate[],
): Field<readonly Gate[], readonly Gate[] | undefined> {
  return choicesParameter("gates frozen at their values in this run", GATES, {
    ...{ default: preset, title: "gates" },
  });
}
