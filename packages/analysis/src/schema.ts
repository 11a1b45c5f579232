import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/**
 * Parameters as a schema that checks values (Standard Schema) and describes itself as JSON Schema of 2020-12
 * (Standard JSON Schema): `parameters` of `@resolvent/analysis/parameters`, or one of zod 4.2 or later, ArkType, or Valibot with its converter. An object with one
 * property for each parameter; descriptions and defaults are what users read in help texts, a `title` is what
 * stands for the value there.
 */
export interface Parameters<P, Given = unknown> {
  readonly "~standard": StandardSchemaV1.Props<Given, P> & StandardJSONSchemaV1.Props<Given, P>;
}
