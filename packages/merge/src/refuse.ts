import { InputError } from "@resolvent/tensor";

/** What is wrong with a configuration, by the path of what is wrong: `models[0].parameters.weight`. */
export function badConfig(
  what:
    | "documents"
    | "duplicate-key"
    | "inputs"
    | "not-finite"
    | "tokenizer-twice"
    | "type"
    | "unknown-key"
    | "yaml",
  path: string,
  says: string,
  remedy: string,
  details: Readonly<Record<string, unknown>> = {},
): InputError {
  return new InputError({
    code: `merge/config-${what}`,
    message: `${path === "" ? "The configuration" : path} ${says}`,
    remedy,
    details: { path, ...details },
  });
}

/** What cannot be merged: `refuse("zero-weight", …)` has the code `merge/zero-weight`. */
export function refuse(
  what: string,
  message: string,
  remedy: string,
  details: Readonly<Record<string, unknown>> = {},
): InputError {
  return new InputError({ code: `merge/${what}`, message, remedy, details });
}
