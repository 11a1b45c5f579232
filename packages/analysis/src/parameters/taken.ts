import { inRange, type Range, rangeText } from "../range.ts";
import type { Prompt } from "../subject.ts";
import type { TokenName } from "../token-notation.ts";
import { issuesAt, passing, type Taken } from "./field.ts";

/** Numbers of a range. */
export function takenNumber(range: Range): Taken<number> {
  const { whole, above, below } = range;
  // Whole numbers are limited by their exactness.
  const least = range.least ?? (whole ? Number.MIN_SAFE_INTEGER : undefined);
  const most = range.most ?? (whole ? Number.MAX_SAFE_INTEGER : undefined);
  const schema = {
    type: whole ? "integer" : "number",
    ...(least !== undefined && { minimum: least }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(most !== undefined && { maximum: most }),
    ...(below !== undefined && { exclusiveMaximum: below }),
  };
  const passes = (value: unknown): boolean => typeof value === "number" && inRange(range, value);
  return passing(schema, rangeText(range), passes);
}

/** One of some words. */
export function takenChoice<Choice extends string>(choices: readonly Choice[]): Taken<Choice> {
  const passes = (value: unknown): boolean => choices.some((choice) => choice === value);
  return passing({ type: "string", enum: [...choices] }, `one of ${choices.join(", ")}`, passes);
}

/** A text, in a form that JSON Schema's `format` names. */
export function takenText(format?: string): Taken<string> {
  const schema = { type: "string", ...(format !== undefined && { format }) };
  return passing(schema, "a text", (value) => typeof value === "string");
}

const ID = takenNumber({ whole: true, least: 0 });
const IDS = takenList(ID, { expected: "a text or a list of token ids" });
const TEXT = takenText();

/** A text, or token ids. */
export const PROMPT: Taken<Prompt> = {
  schema: { anyOf: [TEXT.schema, IDS.schema], format: "prompt" },
  read: (value) => (typeof value === "string" ? { value } : IDS.read(value)),
};

/** A token: its text or its id. */
export const TOKEN: Taken<TokenName> = passing(
  { anyOf: [{ type: "string", minLength: 1 }, ID.schema], format: "token" },
  "a token, its text or its id",
  (value) => (typeof value === "string" ? value !== "" : ID.read(value).issues === undefined),
);

/** A list of values, at least so many; default any number. */
export function takenList<Value>(
  { schema, read }: Taken<Value>,
  { expected, fewest = 0 }: { readonly expected: string; readonly fewest?: number },
): Taken<readonly Value[]> {
  const few = fewest > 0 && { minItems: fewest };
  return {
    schema: { type: "array", items: schema, ...few },
    read: (list) => {
      if (!Array.isArray(list) || list.length < fewest) {
        const least = fewest === 0 ? "" : `, ${fewest} or more`;
        return { issues: [{ message: `Expected ${expected}${least}` }] };
      }
      const found = list.map(read);
      const issues = found.flatMap((one, i) => issuesAt(i, one));
      if (issues.length > 0) return { issues };
      return { value: found.flatMap((one) => (one.issues === undefined ? [one.value] : [])) };
    },
  };
}
