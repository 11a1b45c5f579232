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

/** The caller's input is at fault: a file, a config, a shape, an option. The message says what to do. */
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
    this.code = info.code;
    this.remedy = info.remedy;
    this.details = info.details ?? {};
  }
}

/** A promise of this library does not hold: a bug of ours, never the caller's. */
export class InternalError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(info: ErrorInfo) {
    super(info.message, info.cause === undefined ? undefined : { cause: info.cause });
    this.name = "InternalError";
    this.code = info.code;
    this.details = info.details ?? {};
  }
}
