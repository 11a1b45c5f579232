import type { NewFile, NewFolder, TextFile } from "../file.ts";
import type { Range } from "../range.ts";
import type { Prompt } from "../subject.ts";
import type { TokenName } from "../token-notation.ts";
import {
  type Field,
  type FieldOf,
  type FieldOptions,
  fieldOf,
  passing,
  type Said,
  type Taken,
} from "./field.ts";
import { PROMPT, TOKEN, takenChoice, takenNumber, takenText } from "./taken.ts";

/** A parameter that is true or false; false where nothing is said, unless the options say otherwise: `--NAME`. */
export function flagParameter<Optional extends boolean = false>(
  description: string,
  options: FieldOptions<boolean, Optional> = {},
): FieldOf<boolean, Optional extends true ? undefined : boolean, Optional> {
  const taken = passing<boolean>({ type: "boolean" }, "true or false", (value) => {
    return typeof value === "boolean";
  });
  type Preset = Optional extends true ? undefined : boolean;
  const preset = options.optional ? undefined : (options.default ?? false);
  return fieldOf(taken, description, { ...options, default: preset as Preset }); // as the line before has it
}

/** A parameter that is one of some words: `--NAME WORD`. */
export function choiceParameter<
  const Choice extends string,
  Preset extends Choice | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  choices: readonly Choice[],
  options?: FieldOptions<Preset, Optional>,
): FieldOf<Choice, Preset, Optional> {
  return fieldOf(takenChoice(choices), description, options);
}

/** Which numbers a parameter takes: default any. */
export type NumberOptions<Preset, Optional extends boolean> = FieldOptions<Preset, Optional> &
  Omit<Range, "whole">;

/** A parameter that is a number: `--NAME 0.5`. */
export function numberParameter<
  Preset extends number | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  options: NumberOptions<Preset, Optional> = {},
): FieldOf<number, Preset, Optional> {
  return fieldOf(takenNumber({ ...options, whole: false }), description, options);
}

/** A parameter that is a whole number, from 0 unless the options say otherwise: `--NAME 5`. */
export function countParameter<
  Preset extends number | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  options: NumberOptions<Preset, Optional> = {},
): FieldOf<number, Preset, Optional> {
  return fieldOf(takenNumber({ least: 0, ...options, whole: true }), description, options);
}

/** A parameter that is a layer, from 0: `--NAME 3`. It may be left out. Other libraries: `format: "layer"`. */
export function layerParameter(description: string, said: Said = {}): Field<number | undefined> {
  return fieldOf(takenPlace("layer"), description, { title: "l", ...said, ...LEFT });
}

/** A parameter that is a position, from 0; it may be left out. Schemas of other libraries: `format: "position"`. */
export function positionParameter(description: string, said: Said = {}): Field<number | undefined> {
  return fieldOf(takenPlace("position"), description, { title: "pos", ...said, ...LEFT });
}

/** What may be left out. */
const LEFT = { optional: true } as const;

/** Numbers from 0 that count something. */
function takenPlace(format: string): Taken<number> {
  const { schema, read } = takenNumber({ whole: true, least: 0 });
  return { schema: { ...schema, format }, read };
}

/** A parameter that is a text: `--NAME TEXT`. */
export function textParameter<
  Preset extends string | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  options?: FieldOptions<Preset, Optional>,
): FieldOf<string, Preset, Optional> {
  return fieldOf(takenText(), description, options);
}

/**
 * A parameter that is the name of another model, as the first is named: `--NAME MODEL`, or with `argument` a word after the
 * first. It is found and loaded as that is, onto the same engine: `models` of the outline and of the subject have it by
 * the parameter's name. Schemas of other libraries: `format: "model"`.
 */
export function modelParameter<Optional extends boolean = false>(
  description: string,
  options?: FieldOptions<undefined, Optional>,
): FieldOf<string, undefined, Optional> {
  return fieldOf(takenText("model"), description, { title: "model", ...options });
}

/** A parameter that is a head, by its name: `--NAME L1.H5`. Schemas of other libraries: `format: "head"`. */
export function headParameter<
  Preset extends string | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  options?: FieldOptions<Preset, Optional>,
): FieldOf<string, Preset, Optional> {
  return fieldOf(takenText("head"), description, options);
}

/** A parameter that is a node, by its name: `--NAME L0.attn`. Schemas of other libraries: `format: "node"`. */
export function nodeParameter<
  Preset extends string | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  options?: FieldOptions<Preset, Optional>,
): FieldOf<string, Preset, Optional> {
  return fieldOf(takenText("node"), description, options);
}

/**
 * A parameter that is a prompt: a text or its token ids. A command line offers `--NAME TEXT` and ids
 * (`--tokens` for `prompt`, `--NAME-tokens` for others), and reads a required `prompt` from standard input
 * where neither is given. Schemas of other libraries mark such a parameter by JSON Schema's
 * `format: "prompt"`.
 */
export function promptParameter<Optional extends boolean = false>(
  description: string,
  options?: FieldOptions<undefined, Optional>,
): FieldOf<Prompt, undefined, Optional> {
  return fieldOf(PROMPT, description, options);
}

/**
 * A parameter that is a token: its id as a number, or its text. A command line reads `--NAME TEXT` and
 * `--NAME id:346` by `parseTokenNames`. Schemas of other libraries mark such a parameter by `format: "token"`.
 */
export function tokenParameter<
  Preset extends TokenName | undefined = undefined,
  Optional extends boolean = false,
>(
  description: string,
  options?: FieldOptions<Preset, Optional>,
): FieldOf<TokenName, Preset, Optional> {
  return fieldOf(TOKEN, description, options);
}

/**
 * A parameter that is the text of a file of JSON lines, for what is too long for a command line: `--NAME FILE`, `-`
 * for standard input, or the lines themselves, which begin with `{` or `[`. It may be left out. Schemas of other
 * libraries mark such a text by JSON Schema's `format: "json-lines"`.
 */
export function jsonLinesParameter(
  description: string,
  said: Said = {},
): Field<string | undefined> {
  return fieldOf(takenText("json-lines"), description, { title: "file", ...said, ...LEFT });
}

/**
 * A parameter that is a file: `--NAME FILE` on a command line, which checks that it can be read and hands it over
 * unread. It may be left out, unless it is `required`. Schemas of other libraries mark such a parameter by JSON Schema's
 * `format: "file"`.
 */
export function fileParameter<Required extends boolean = false>(
  description: string,
  { required, ...said }: Said & { readonly required?: Required } = {},
): Field<Required extends true ? TextFile : TextFile | undefined> {
  const taken = takenObject<TextFile>("file", "stream", "a file");
  const field = fieldOf(taken, description, {
    title: "file",
    ...said,
    optional: required !== true,
  });
  return field as Field<Required extends true ? TextFile : TextFile | undefined>; // undefined is read only where it may be
}

/**
 * A parameter that is a file to write: `--NAME FILE` on a command line, which refuses a file that is there already
 * before any work is done, unless `--overwrite` is given. For what is too large for a result, or of a format of its
 * own. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "new-file"`.
 */
export function newFileParameter(description: string, said: Said = {}): Field<NewFile | undefined> {
  const taken = takenObject<NewFile>("new-file", "write", "a file to write");
  return fieldOf(taken, description, { title: "file", ...said, ...LEFT });
}

/**
 * A parameter that is a folder to write files into: `--NAME FOLDER` on a command line, which refuses one with files in it
 * before any work is done, unless `--overwrite` is given: then files of the same names are replaced. With `fresh` it
 * refuses one that is there at all, whatever is given. It may be left out.
 * Schemas of other libraries mark such a parameter by JSON Schema's `format: "new-folder"`.
 */
export function newFolderParameter(
  description: string,
  { fresh = false, ...said }: Said & { readonly fresh?: boolean } = {},
): Field<NewFolder | undefined> {
  const { schema, read } = takenObject<NewFolder>("new-folder", "write", "a folder to write");
  const taken = { schema: { ...schema, ...(fresh && { fresh }) }, read };
  return fieldOf(taken, description, { title: "folder", ...said, ...LEFT });
}

/** What has a name and the method; JSON Schema has no type for that. */
function takenObject<Value>(format: string, method: string, expected: string): Taken<Value> {
  return passing({ format }, expected, (value) => {
    const fields = Object(value); // of what has no fields, none
    return typeof fields.name === "string" && typeof fields[method] === "function";
  });
}
