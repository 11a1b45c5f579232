import { InputError } from "@resolvent/tensor";
import type { Parameters } from "./schema.ts";

/** What a schema finds wrong with a value. */
export interface Fault {
  /** The parameter, where it is one. */
  readonly parameter?: string;
  readonly message: string;
  /** What came. */
  readonly got: unknown;
}

/**
 * Values checked by a schema, with its defaults.
 *
 * @throws InputError `analysis/bad-parameters`: its details have the `faults`
 */
export async function checkParameters<P>(
  params: Parameters<P>,
  values: Readonly<Record<string, unknown>>,
): Promise<P> {
  const result = await params["~standard"].validate(values);
  if (result.issues === undefined) return result.value;
  const faults = result.issues.map(({ message, path = [] }): Fault => {
    const keys = path.map((part) => (typeof part === "object" ? part.key : part));
    const [parameter] = keys;
    const got = keys.reduce<unknown>(
      (value, key) => Object(value)[key], // undefined where a path leads nowhere
      values,
    );
    return { ...(parameter !== undefined && { parameter: String(parameter) }), message, got };
  });
  throw new InputError({
    code: "analysis/bad-parameters",
    message: faults.map(describeFault).join(" "),
    details: { faults },
  });
}

function describeFault({ parameter, message, got }: Fault): string {
  const end = message.endsWith(".") ? "" : ".";
  if (parameter === undefined) return `${message}${end}`;
  return `${parameter}: ${message}${end === "" ? " Got" : ", got"} ${shown(got)}.`;
}

function shown(got: unknown): string {
  return typeof got === "number" ? String(got) : (JSON.stringify(got) ?? "nothing");
}
