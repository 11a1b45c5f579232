import { InputError } from "@resolvent/tensor";
import type { JsonSchema } from "./json-schema.ts";

/** The kind and version that a schema of results is of: constants of it. */
export interface SchemaOf {
  readonly kind: string;
  readonly schemaVersion: number;
}

/** Which results a schema is of; undefined where it does not say. */
export function schemaOf(schema: JsonSchema): SchemaOf | undefined {
  const { kind, schemaVersion } = Object(schema.properties);
  const [name, version]: unknown[] = [Object(kind).const, Object(schemaVersion).const];
  if (typeof name !== "string" || name === "") return undefined;
  return typeof version === "number" && Number.isInteger(version)
    ? { kind: name, schemaVersion: version }
    : undefined;
}

/** @throws InputError `analysis/bad-result-schema` */
export function checkResultSchema(name: string, schema: JsonSchema | undefined): void {
  if (schema === undefined || schemaOf(schema) !== undefined) return;
  throw new InputError({
    code: "analysis/bad-result-schema",
    message: `The schema of the results of ${name} does not say which kind and which version they are of.`,
    remedy:
      'Its properties have { kind: { const: "my-kind" }, schemaVersion: { const: 1 } }, as the results do.',
    details: { analysis: name },
  });
}
