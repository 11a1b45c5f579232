import { InputError } from "@resolvent/tensor";

/** `dictionary/bad-config`: a field says what cannot be, or what is not read. */
export function badConfig(
  name: string,
  field: string,
  says: string,
  details: Readonly<Record<string, unknown>> = {},
): InputError {
  return new InputError({
    code: "dictionary/bad-config",
    message: `${name}: ${field} ${says}`,
    remedy: "Reading it in spite of that would give another function.",
    details: { name, field, ...details },
  });
}

/** `dictionary/no-tokens`: of all that was read, nothing is there to be measured. */
export function noTokens({ name }: { readonly name: string }, texts: number): InputError {
  const none = texts === 0;
  return new InputError({
    code: "dictionary/no-tokens",
    message: none
      ? `There are no texts to read ${name} on.`
      : `${name} is for none of the positions of the ${texts} texts.`,
    remedy: none
      ? "Give at least one: the corpus is empty."
      : "Give texts that have positions of its slice; one without tokens has none.",
    details: { texts },
  });
}

/** `dictionary/shape`: a tensor has other sizes than the others or the config say. */
export function badShape(
  name: string,
  tensor: string,
  expected: readonly number[],
  got: readonly number[],
): InputError {
  return new InputError({
    code: "dictionary/shape",
    message: `${name}: ${tensor} should be [${expected.join(", ")}], got [${got.join(", ")}].`,
    remedy: "Check that the config belongs to these weights, and that the layout is the one meant.",
    details: { name, tensor, expected, got },
  });
}
