/** An object of a file as it stands there: what this package does not know is kept in it. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object, not an array and not null. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number, also where a file has it as a text (`"3"`, `"0.5"`); undefined for anything else. */
export function numberIn(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

/** The same, null where the number is not finite or there is none. */
export function finiteIn(value: unknown): number | null {
  const number = numberIn(value);
  return number !== undefined && Number.isFinite(number) ? number : null;
}
