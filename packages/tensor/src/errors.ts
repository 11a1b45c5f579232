/** What an error carries besides its message. */
export interface ErrorInfo {
  /** Permanent name, `package/what-happened`; never reworded, so that it can be searched for and matched on. */
  readonly code: string;
  /** What happened, with both numbers. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** The same facts as fields, for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What every copy of this module writes on its errors: a program may hold several, each with classes of its own. */
const BRAND = Symbol.for("@resolvent/tensor/error");

function brand(error: Error, kind: "input" | "internal"): void {
  Object.defineProperty(error, BRAND, { value: kind }); // not enumerable: details are for people, this is not
}

function brandOf(error: unknown): unknown {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return undefined;
  return error[BRAND];
}

/**
 * The caller's input is at fault: a file, a config, a shape, an option. The message says what to do.
 *
 * Told apart by `isInputError`, not by `instanceof`, which knows one copy of this package only.
 */
export class InputError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(info: ErrorInfo) {
    super(
      info.remedy === undefined ? info.message : `${info.message} ${info.remedy}`,
      info.cause === undefined ? undefined : { cause: info.cause },
    );
    this.name = "InputError";
    brand(this, "input");
    this.code = info.code;
    this.remedy = info.remedy;
    this.details = info.details ?? {};
  }
}

/** A promise of this library does not hold: a bug of ours, never the caller's. Told apart by `isInternalError`. */
export class InternalError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(info: ErrorInfo) {
    super(info.message, info.cause === undefined ? undefined : { cause: info.cause });
    this.name = "InternalError";
    brand(this, "internal");
    this.code = info.code;
    this.details = info.details ?? {};
  }
}

/** Whether an error says that the caller's input is at fault, whichever copy of this package made it. */
export function isInputError(error: unknown): error is InputError {
  return brandOf(error) === "input";
}

/** Whether an error says that a promise of this library does not hold, whichever copy of this package made it. */
export function isInternalError(error: unknown): error is InternalError {
  return brandOf(error) === "internal";
}
