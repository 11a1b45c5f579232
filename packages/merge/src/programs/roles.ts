import type { Address } from "../../worker/run.js";
import type { PlannedInput, PlannedParameters, PlannedTensor } from "../plan.ts";
import type { Writer } from "../program.ts";

/** A parameter that is a number, or what it is without. */
export function numberOf(
  parameters: PlannedParameters | undefined,
  key: string,
  usual = 0,
): number {
  const value = parameters?.[key];
  return typeof value === "number" ? value : usual;
}

/** Which inputs are looked at, and which is taken from them first, −1 where none is. */
export interface Vectors {
  readonly base: number;
  readonly others: readonly { readonly at: number }[];
}

/** Which input is the base, −1 where none is, and which are not. */
export interface Roles extends Vectors {
  readonly others: readonly { readonly input: PlannedInput; readonly at: number }[];
}

/** The roles of a tensor's inputs. */
export function rolesOf({ inputs }: PlannedTensor): Roles {
  return {
    base: inputs.findIndex((input) => input.base),
    others: inputs.flatMap((input, at) => (input.base ? [] : [{ input, at }])),
  };
}

/** Inputs, less the base where there is one. */
export function differences(
  { x, op, register }: Writer,
  { base, others }: Vectors,
): readonly Address[] {
  return others.map(({ at }) => {
    if (base < 0) return x(at);
    const out = register();
    op("minus", out, x(at), x(base));
    return out;
  });
}
