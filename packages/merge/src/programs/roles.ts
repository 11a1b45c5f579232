import type { PlannedInput, PlannedParameters, PlannedTensor } from "../plan.ts";

/** A parameter that is a number, or what it is without. */
export function numberOf(
  parameters: PlannedParameters | undefined,
  key: string,
  usual = 0,
): number {
  const value = parameters?.[key];
  return typeof value === "number" ? value : usual;
}

/** Which input is the base, −1 where none is, and which are not. */
export function rolesOf({ inputs }: PlannedTensor): {
  readonly base: number;
  readonly others: readonly { readonly input: PlannedInput; readonly at: number }[];
} {
  return {
    base: inputs.findIndex((input) => input.base),
    others: inputs.flatMap((input, at) => (input.base ? [] : [{ input, at }])),
  };
}
