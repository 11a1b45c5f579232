import { InputError } from "@resolvent/tensor";
import { nearestNames } from "@resolvent/weights";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Parameters } from "../schema.ts";
import { type Field, issuesAt } from "./field.ts";

/** Parameters by their names. */
type Fields = Readonly<Record<string, Field<unknown, unknown>>>;

/** The names whose value may be undefined. */
type Left<Values> = { [N in keyof Values]: undefined extends Values[N] ? N : never }[keyof Values];

/** What may be undefined may be left out. */
type Leaving<Values> = {
  readonly [N in Exclude<keyof Values, Left<Values>>]: Values[N];
} & { readonly [N in Left<Values>]?: Values[N] };

/** What an analysis gets. */
export type ValuesOf<F extends Fields> = Leaving<{
  readonly [N in keyof F]: F[N] extends Field<infer Value, unknown> ? Value : never;
}>;

/** What may be given. */
export type GivenOf<F extends Fields> = Leaving<{
  readonly [N in keyof F]: F[N] extends Field<unknown, infer Given> ? Given : never;
}>;

/** Something that involves more than one parameter. */
export interface ParametersCheck<Values> {
  /** The parameter that is told so. */
  readonly parameter: keyof Values & string;
  readonly passes: (values: Values) => boolean;
  /** What is said where it does not pass. */
  readonly message: string;
}

/**
 * The parameters of an analysis, as a schema that checks values (Standard Schema) and describes itself (Standard JSON
 * Schema). All that is wrong is told at once; a name that no parameter has is refused, with the nearest one.
 *
 * ```ts
 * const params = parameters(
 *   {
 *     prompt: promptParameter("text to read"),
 *     top: countParameter("number of paths listed", { default: 20, most: 10_000, title: "n" }),
 *     temperature: numberParameter("of the sampling", { least: 0, default: 0 }),
 *     topK: countParameter("sample among the k likeliest tokens", { least: 1, optional: true }),
 *   },
 *   [
 *     {
 *       parameter: "temperature",
 *       passes: ({ temperature, topK }) => temperature > 0 || topK === undefined,
 *       message: "Sampling among the likeliest needs a temperature above 0",
 *     },
 *   ],
 * );
 * ```
 *
 * @param checks looked at once each value by itself is sound
 */
export function parameters<F extends Fields>(
  fields: F,
  checks: readonly ParametersCheck<ValuesOf<F>>[] = [],
): Parameters<ValuesOf<F>, GivenOf<F>> {
  const validate = (given: unknown): StandardSchemaV1.Result<ValuesOf<F>> => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      return { issues: [{ message: "Expected an object with the parameters by their names" }] };
    }
    const found = Object.entries(fields).map(([name, { read }]) => {
      return [
        name,
        read(Object.hasOwn(given, name) ? Reflect.get(given, name) : undefined),
      ] as const;
    });
    const issues = [
      ...found.flatMap(([name, read]) => issuesAt(name, read)),
      ...unknownNames(given, Object.keys(fields)),
    ];
    if (issues.length > 0) return { issues };
    const sound = found.flatMap(([name, read]) =>
      read.issues === undefined && read.value !== undefined ? [[name, read.value] as const] : [],
    );
    const value = Object.fromEntries(sound) as ValuesOf<F>; // each field has read its own
    const failed = checks.filter(({ passes }) => !passes(value));
    if (failed.length === 0) return { value };
    return { issues: failed.map(({ parameter, message }) => ({ message, path: [parameter] })) };
  };
  return {
    "~standard": {
      version: 1,
      vendor: "resolvent",
      validate,
      jsonSchema: {
        input: ({ target }) => jsonSchemaOf(target, fields, ({ required }) => required),
        output: ({ target }) =>
          jsonSchemaOf(
            target,
            fields,
            ({ required, schema }) => required || schema.default !== undefined,
          ),
      },
    },
  };
}

function unknownNames(given: object, names: readonly string[]): StandardSchemaV1.Issue[] {
  const odd = Object.entries(given).filter(
    ([name, value]) => value !== undefined && !names.includes(name),
  );
  return odd.map(([name]) => {
    const [near] = nearestNames(name, names);
    const there = names.length === 0 ? "there are none" : `there are ${names.join(", ")}`;
    const said = near === undefined ? there : `the nearest is ${near}`;
    return { message: `No parameter is called so; ${said}.`, path: [name] };
  });
}

/** Dialects of JSON Schema in which what fields say means the same. */
const DIALECTS: Readonly<Record<string, string>> = {
  "draft-2020-12": "https://json-schema.org/draft/2020-12/schema",
  "draft-07": "http://json-schema.org/draft-07/schema#",
};

function jsonSchemaOf(
  target: string,
  fields: Fields,
  isRequired: (field: Fields[string]) => boolean,
): Record<string, unknown> {
  const dialect = Object.hasOwn(DIALECTS, target) ? DIALECTS[target] : undefined;
  if (dialect === undefined) {
    throw new InputError({
      code: "analysis/bad-schema",
      message: `Parameters are described in ${Object.keys(DIALECTS).join(" or ")}, not in ${target}.`,
      remedy: "Ask for one of these.",
      details: { target },
    });
  }
  const entries = Object.entries(fields);
  const required = entries.flatMap(([name, field]) => (isRequired(field) ? [name] : []));
  return {
    $schema: dialect,
    type: "object",
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}
