import { type JsonSchema, type ListedAnalysis, schemaOf } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { builtInKinds } from "../commands/schema.ts";

/**
 * Adds the schema of an analysis' results, if it has one, to those that plug-ins bring, by kind.
 * @throws InputError `cli/schema-clash` where results of that kind have another one: whoever reads them could not tell
 * which
 */
export function addSchema(
  schemas: Map<string, JsonSchema>,
  { name, resultSchema }: ListedAnalysis,
): void {
  if (resultSchema === undefined) return;
  const of = schemaOf(resultSchema);
  if (of === undefined) return; // defineAnalysis has refused it
  const { kind, schemaVersion } = of;
  const clash = (message: string): InputError =>
    new InputError({ code: "cli/schema-clash", message, details: { analysis: name, kind } });
  const gives = `${name} gives results of the kind ${kind}`;
  if (builtInKinds().includes(kind)) {
    throw clash(`${gives}, which is that of a built-in analysis.`);
  }
  const other = schemas.get(kind);
  if (other !== undefined && JSON.stringify(other) !== JSON.stringify(resultSchema)) {
    const version = schemaOf(other)?.schemaVersion;
    throw clash(
      `${gives} in version ${schemaVersion}, of which there is version ${version} with another schema.`,
    );
  }
  schemas.set(kind, resultSchema);
}
