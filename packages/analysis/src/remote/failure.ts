import { InputError, InternalError, isInputError, isInternalError } from "@resolvent/tensor";
import { type Failure, SENTENCE } from "./protocol.ts";

/** What went wrong, as plain data. */
export function failureOf(error: unknown): Failure {
  if (isInputError(error)) {
    const { code, remedy = null } = error;
    const whole = error.message;
    const message = remedy === null ? whole : whole.slice(0, -remedy.length).trimEnd();
    return { kind: "input", code, message: cut(message), remedy };
  }
  const { name, message } = Object(error);
  if (name === "AbortError")
    return { kind: "cancelled", code: "remote/cancelled", message: "Cancelled.", remedy: null };
  const code = isInternalError(error) ? error.code : "remote/internal";
  const said =
    typeof message === "string" && message !== ""
      ? message
      : `What failed has said nothing${typeof error === "object" ? "" : ` but ${String(error)}`}.`;
  return { kind: "internal", code, message: cut(said), remedy: null };
}

function cut(text: string): string {
  return text.length > SENTENCE ? `${text.slice(0, SENTENCE - 1)}…` : text;
}

/** The same as an error, on the side that asked. */
export function errorOf({ kind, code, message, remedy }: Failure): Error {
  switch (kind) {
    case "input":
      return new InputError({ code, message, ...(remedy !== null && { remedy }) });
    case "internal":
      return new InternalError({ code, message });
    case "cancelled":
      return new DOMException(message, "AbortError");
  }
}
