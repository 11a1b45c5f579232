import { InputError } from "@resolvent/tensor";
import { DEPTH, isPlainObject } from "../plain-fault.ts";

/** Values of a message at most, of lists and objects those inside them: some dozen times those of the largest results. */
const VALUES = 3_000_000;

/** Characters of all its texts and names. */
const CHARACTERS = 2 ** 26;

/**
 * A copy of what JSON can say; null for numbers that are not finite, as JSON has them.
 *
 * @throws InputError `remote/bad-reply` for anything else, and for more than a message may have
 */
export function plainCopy(value: unknown): unknown {
  let values = 0;
  let characters = 0;
  const counted = (text: string): string => {
    characters += text.length;
    if (characters > CHARACTERS) throw tooMuch(`more than ${CHARACTERS} characters`);
    return text;
  };
  const copy = (one: unknown, depth: number): unknown => {
    if (++values > VALUES) throw tooMuch(`more than ${VALUES} values`);
    if (one === null || typeof one === "boolean") return one;
    if (typeof one === "string") return counted(one);
    if (typeof one === "number") return Number.isFinite(one) ? one : null;
    if (typeof one !== "object") throw tooMuch(`a ${typeof one}`);
    if (depth === DEPTH) throw tooMuch(`more than ${DEPTH} lists and objects within each other`);
    if (Array.isArray(one)) return Array.from(one, (entry) => copy(entry, depth + 1));
    if (!isPlainObject(one))
      throw tooMuch(`a ${one.constructor?.name ?? "thing"}, which JSON does not have`);
    const pairs = Object.entries(one).filter(([, entry]) => entry !== undefined);
    // A key called __proto__ is a key like any other.
    return Object.fromEntries(
      pairs.map(([key, entry]) => [counted(key), copy(entry, depth + 1)] as const),
    );
  };
  return copy(value, 0);
}

function tooMuch(what: string): InputError {
  return new InputError({
    code: "remote/bad-reply",
    message: `A reply has ${what}.`,
    remedy: "That is a fault of what answers: tell its author.",
    details: { what },
  });
}
