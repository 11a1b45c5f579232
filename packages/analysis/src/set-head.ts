import { type Certificate, worstCertificate } from "./certificate.ts";
import type { Result } from "./result.ts";
import type { HeadFields, ResultHead } from "./result-head.ts";

/** What there is of a head. */
type Own = Partial<Omit<ResultHead, keyof Result>> & Pick<Result, "warnings">;

/**
 * Gathers what the heads of several results of one analysis say: what all have alike, the worst certificate, and each
 * kind of warning once, in the words of the first result that has it.
 */
export function setHead(): { add(result: Result): void; fields(): HeadFields } {
  let first: Own | undefined;
  let certificate: Certificate | null = null;
  let reference: ResultHead["reference"] = null;
  const warnings = new Map<string, NonNullable<Result["warnings"]>[number]>();
  return {
    add: (result) => {
      const own: Own = result; // a contributed one need not have all of a head
      if (first === undefined) reference = own.reference ?? null;
      first ??= own;
      // Each prompt may be its own reference.
      if (reference !== null && JSON.stringify(reference) !== JSON.stringify(own.reference)) {
        reference = { ...reference, prompts: [] };
      }
      certificate = worstCertificate([certificate, own.certificate ?? null]);
      for (const warning of own.warnings ?? []) {
        if (!warnings.has(warning.code)) warnings.set(warning.code, warning);
      }
    },
    fields: () => ({
      ...(first?.freeze && { freeze: first.freeze }),
      ...(first?.weightProcessing && { weightProcessing: first.weightProcessing }),
      ...{ reference, certificate, warnings: [...warnings.values()] },
    }),
  };
}
