import type { Soundness } from "@resolvent/analysis";
import { InputError, isInputError, isInternalError } from "@resolvent/tensor";
import { CommanderError } from "commander";

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  badFile: 3,
  unsupported: 4,
  overBudget: 5,
  unsound: 6,
  interrupted: 130,
} as const;

/** A command called with words that do not fit. */
export function usageError(message: string, remedy?: string): InputError {
  return new InputError({ code: "cli/usage", message, ...(remedy !== undefined && { remedy }) });
}

/**
 * A result that is printed in full and whose numbers are not finite, or do not add up; nothing where all is well.
 *
 * @throws InputError `cli/unsound-result`
 */
export function refuseUnsound({ warnings }: Pick<Soundness, "warnings">): void {
  if (warnings.length === 0) return;
  throw new InputError({
    code: "cli/unsound-result",
    message: warnings.map(({ message }) => message).join(" "),
    details: { warnings },
  });
}

/** Faults of files, by code; everything else that is the caller's is a matter of usage. */
const fileFaults =
  /^(weights\/|cli\/unreadable$|cli\/bad-vector$|transformer\/(no-config|bad-config|bad-json|bad-tokenizer|file-too-large|missing-tensor|unexpected-tensor|wrong-size)$|merge\/(no-config|unexpected-tensor|tensor-missing|stored-dtype)$)/;

/** Numbers that are not finite, or do not add up, in a result or on the way to one. */
const unsound: ReadonlySet<string> = new Set([
  ...["cli/unsound-result", "cpu/not-finite", "merge/not-finite", "merge/no-model"],
]);

/** A plug-in that threw, or gave what is no result. */
export const PLUGIN_FAILED = "cli/plugin-failed";

const overBudget: ReadonlySet<string> = new Set([
  "cli/over-budget",
  "cpu/out-of-memory",
  "cpu/no-memory",
  "webgpu/out-of-memory",
  "webgpu/too-large",
  "gpujs/too-large",
  "weights/too-large-for-memory",
]);

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof DOMException && error.name === "AbortError") return EXIT.interrupted;
  if (!isInputError(error)) return EXIT.internal;
  if (
    error.code === "transformer/unsupported-config" ||
    error.code === "weights/unsupported-dtype"
  ) {
    return EXIT.unsupported;
  }
  if (error.code === PLUGIN_FAILED) return EXIT.internal;
  if (unsound.has(error.code)) return EXIT.unsound;
  if (overBudget.has(error.code)) return EXIT.overBudget;
  return fileFaults.test(error.code) ? EXIT.badFile : EXIT.usage;
}

/** What is printed of an error: the message for a caller's mistake, everything for a bug of ours. */
export function describeFailure(error: unknown): string {
  if (isInputError(error)) {
    const { code, cause } = error;
    // Its author wants to know where; nobody else wrote that code.
    const trace = code === PLUGIN_FAILED && cause instanceof Error ? `\n${cause.stack}` : "";
    return `resolvent: ${error.message} [${code}]${trace}`;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const code = isInternalError(error) ? ` [${error.code}]` : "";
  return `resolvent: this is a bug${code}; please report it with what follows.\n${detail}`;
}
