import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A schema in JSON's own terms. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What was read from a value, or what is wrong with it; paths are from that value. */
export type Read<Value> = StandardSchemaV1.Result<Value>;

/** What a value has to be: how JSON Schema says it, and what checks it. */
export interface Taken<Value> {
  readonly schema: JsonSchema;
  readonly read: (value: unknown) => Read<Value>;
}

/** One parameter: what it takes, and how it is described. An analysis gets a `Value` where somebody gave a `Given`. */
export interface Field<Value, Given = Value> extends Taken<Value> {
  /** Whether something has to be given. */
  readonly required: boolean;
  /** Never there: it is how types are inferred. */
  readonly given?: Given;
}

/** What is said about a parameter beside its description. */
export interface Said {
  /** What stands for the value in help texts: `k`. */
  readonly title?: string;
  /** What a form writes beside it; default its name in words. */
  readonly label?: string;
  /** What a form shows it together with; default by its kind. */
  readonly group?: string;
  /** Whether a command takes it as a word of its own, after the model, in the order of such parameters: `compare A B`. */
  readonly argument?: boolean;
}

/** The same, and what it is where nothing is given; by default something has to be. */
export interface FieldOptions<Preset, Optional extends boolean> extends Said {
  readonly default?: Preset;
  /** Whether it may be left out, and is undefined then. */
  readonly optional?: Optional;
}

/** The field that options make. */
export type FieldOf<Value, Preset, Optional extends boolean> = [Preset] extends [undefined]
  ? Optional extends true
    ? Field<Value | undefined>
    : Field<Value>
  : Field<Value, Value | undefined>;

/** A parameter that takes such values. */
export function fieldOf<Value, Preset extends Value | undefined, Optional extends boolean>(
  taken: Taken<Value>,
  description: string,
  options: FieldOptions<Preset, Optional> = {},
): FieldOf<Value, Preset, Optional> {
  const { default: preset, optional = false, title, label, group, argument } = options;
  const required = preset === undefined && !optional;
  const field: Field<Value | undefined> = {
    required,
    schema: {
      ...taken.schema,
      description,
      ...(preset !== undefined && { default: preset }),
      ...(title !== undefined && { title }),
      ...(label !== undefined && { label }),
      ...(group !== undefined && { group }),
      ...(argument === true && { argument }),
    },
    read: (value) => (value === undefined && !required ? { value: preset } : taken.read(value)),
  };
  return field as FieldOf<Value, Preset, Optional>; // undefined is read only where the options say so
}

/** Values that pass a test; what does not is told what was expected. */
export function passing<Value>(
  schema: JsonSchema,
  expected: string,
  passes: (value: unknown) => boolean,
): Taken<Value> {
  return {
    schema,
    read: (value) =>
      passes(value)
        ? { value: value as Value } // it passed
        : { issues: [{ message: `Expected ${expected}` }] },
  };
}

/** What is wrong inside of a value, at a key of it. */
export function issuesAt(
  key: PropertyKey,
  { issues = [] }: Read<unknown>,
): StandardSchemaV1.Issue[] {
  return issues.map(({ message, path = [] }) => ({ message, path: [key, ...path] }));
}
