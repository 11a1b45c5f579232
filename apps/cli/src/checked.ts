import type { Fault } from "@resolvent/analysis";
import { isInputError } from "@resolvent/tensor";
import { usageError } from "./failure.ts";
import { flagOf } from "./parameter-options.ts";

/** What `work` gives; faults of parameters are called by the names of the options. */
export async function byOptions<V>(work: () => Promise<V>): Promise<V> {
  try {
    return await work();
  } catch (error) {
    if (!isInputError(error) || error.code !== "analysis/bad-parameters") throw error;
    const faults = error.details.faults as readonly Fault[]; // what checkParameters puts there
    const lines = faults.map(({ parameter, message, got }) => {
      const text = message.replace(/\.$/, "");
      return parameter === undefined
        ? `${text}.`
        : `${flagOf(parameter)}: ${text}, got ${JSON.stringify(got) ?? "nothing"}.`;
    });
    throw usageError(lines.join(" "));
  }
}
