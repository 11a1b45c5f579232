import { type Cost, InputError, type Shaped } from "@resolvent/tensor";
import { describeParameters } from "./described.ts";
import type { FilesSubject } from "./files-subject.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { Need, Provided } from "./needs.ts";
import { checkNames } from "./reserved.ts";
import type { Result } from "./result.ts";
import { checkResultSchema } from "./result-schema.ts";
import type { Parameters } from "./schema.ts";
import type { ModelFiles, Outline, Progress, Subject } from "./subject.ts";
import type { Table } from "./table.ts";
import type { View } from "./view.ts";

/** What every analysis says about itself. */
interface Described<P, R extends Result> {
  /** The command's name: `paths`. Lower case, words joined by hyphens. */
  readonly name: string;
  /** One line, as a list of commands shows it: no capital at its start, no full stop. */
  readonly summary: string;
  /** What it does, in a few sentences. */
  readonly description: string;
  readonly params: Parameters<P>;
  /** Arguments of examples: `tales --prompt "Once upon a time" --top 5`. */
  readonly examples?: readonly string[];
  /** What came out, in one or two plain sentences made of numbers of the result; for pages and screens. */
  readonly answer?: (result: R) => readonly string[];
  /** How people look at the tables, the most telling first; default each table as a list. Plain data, see `View`. */
  readonly views?: (result: R) => readonly View[];
  /** What people would rather see than the result's JSON; also the rows of CSV and NDJSON, see `Table`. */
  readonly tables: (result: R) => readonly Table[];
  /** The kinds of tables that `tables` may give: users choose among them (`--only`), and are told a wrong one at once. */
  readonly tableKinds?: readonly string[];
  /**
   * The JSON Schema (2020-12) of its results, for whoever reads their JSON: `resolvent schema KIND` prints it, and hosts
   * hold every result against it. Its `kind` and its `schemaVersion`, which is raised where a field changes its meaning
   * or goes, are constants. Built-in analyses have theirs beside the command.
   */
  readonly resultSchema?: JsonSchema;
}

/** What work without a model heeds, and whom it tells. */
export interface AloneWork {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** An analysis of a model: from it a command, its help, validation, dry run, output formats and panel are derived. */
export interface Analysis<P, R extends Result> extends Described<P, R> {
  /**
   * What it needs beside the weights, for all parameters or for these: a host provides it, as `subject.provided`, or
   * refuses before anything is done.
   */
  readonly needs?: readonly Need[] | ((params: P) => readonly Need[]);
  /**
   * What it needs for some parameters, where `needs` is a function: hosts let their users name a dictionary where that is
   * among these, or among `needs` itself.
   */
  readonly mayNeed?: readonly Need[];
  /**
   * Whether `run` uses `subject.inFloat64`. Then users may leave that out (`--no-float64`), and `estimate` is asked
   * in float64 too.
   */
  readonly float64?: boolean;
  /**
   * Whether `run` uses `subject.checkpoint`, to go on where it was interrupted. Then users may name a file for that
   * (`--resume FILE`).
   */
  readonly resumable?: boolean;
  /**
   * What `run` would take, from shapes alone: nothing of the model is loaded yet.
   * @throws InputError for parameters that do not fit the model, wherever shapes show it
   */
  readonly estimate: (outline: Outline, params: P) => Cost;
  /**
   * The same where files that a host provides have a say, a dictionary's for example: their headers may be read. Asked
   * in place of `estimate` by hosts that provide what it needs.
   */
  readonly estimateProvided?: (outline: Outline, params: P, provided: Provided) => Promise<Cost>;
  /**
   * The work that needs no model, of parameters that ask for such: what a file says. Undefined where these need one. It is
   * begun by whoever calls what this gives: a dry run does not. Hosts let their users leave the model out (`runAlone`).
   */
  readonly alone?: (params: P) => ((heeded: AloneWork) => Promise<R>) | undefined;
  /**
   * Does the work. Heeds the subject's signal and reports progress; frees what it allocated.
   * @throws InputError for parameters that do not fit the model
   */
  readonly run: <T extends Shaped>(subject: Subject<T>, params: P) => Promise<R>;
}

/**
 * An analysis of what a model's files say. Nothing is loaded and nothing computed, so that it works for a model that
 * is too large for any machine at hand.
 */
export interface OutlineAnalysis<P, R extends Result> extends Described<P, R> {
  readonly needs: "outline";
  readonly float64?: undefined;
  readonly resumable?: undefined;
  readonly alone?: undefined;
  /** @throws InputError for parameters that do not fit the model */
  readonly run: (files: ModelFiles, params: P) => Promise<R>;
}

/**
 * An analysis of files that it opens itself: of models that a configuration names. No model is given to it, and nothing is
 * loaded for it.
 */
export interface FilesAnalysis<P, R extends Result, D extends Result = R>
  extends Described<P, R | D> {
  readonly needs: "files";
  readonly float64?: undefined;
  readonly resumable?: undefined;
  readonly alone?: undefined;
  /** What it would do, and what that takes: what a dry run gives. @throws InputError for all that can be told before */
  readonly plan: (subject: FilesSubject, params: P) => Promise<D>;
  /** Does it. @throws InputError what `plan` throws, and what only numbers show */
  readonly run: (subject: FilesSubject, params: P) => Promise<R>;
}

/** An analysis whose parameters and result are not known here: one of a list. */
// biome-ignore lint/suspicious/noExplicitAny: what is put in goes through `params` first, whatever P is
export type AnyAnalysis = Analysis<any, any>;

/** The same of an `OutlineAnalysis`. */
// biome-ignore lint/suspicious/noExplicitAny: what is put in goes through `params` first, whatever P is
export type AnyOutlineAnalysis = OutlineAnalysis<any, any>;

/** The same of a `FilesAnalysis`. */
// biome-ignore lint/suspicious/noExplicitAny: what is put in goes through `params` first, whatever P is
export type AnyFilesAnalysis = FilesAnalysis<any, any, any>;

/** One of a list, of whichever kind. */
export type ListedAnalysis = AnyAnalysis | AnyOutlineAnalysis | AnyFilesAnalysis;

/**
 * The same analysis, with its types inferred, its name and the shape of its parameters checked.
 * @throws InputError `analysis/bad-name`; `analysis/bad-schema`; `analysis/reserved-name` for a parameter called as an
 * option that hosts have for all analyses; `analysis/bad-result-schema`
 */
export function defineAnalysis<P, R extends Result>(analysis: Analysis<P, R>): Analysis<P, R>;
export function defineAnalysis<P, R extends Result>(
  analysis: OutlineAnalysis<P, R>,
): OutlineAnalysis<P, R>;
export function defineAnalysis<P, R extends Result, D extends Result>(
  analysis: FilesAnalysis<P, R, D>,
): FilesAnalysis<P, R, D>;
export function defineAnalysis(analysis: ListedAnalysis): ListedAnalysis {
  const { name, params, resultSchema } = analysis;
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    throw new InputError({
      code: "analysis/bad-name",
      message: `An analysis is called by words of lower case, joined by hyphens; got "${name}".`,
      remedy: "It is the name of a command.",
      details: { got: name },
    });
  }
  checkNames(name, describeParameters(params));
  checkResultSchema(name, resultSchema);
  return analysis;
}

/**
 * Whether a value has the parts of an analysis: hosts load those of others. `defineAnalysis` then tells whether its
 * name and parameters are sound.
 */
export function isAnalysis(value: unknown): value is ListedAnalysis {
  const { name, summary, description, params, needs, estimate, plan, run, tables } = Object(value);
  const { examples = [], tableKinds = [], page = run, resultSchema = {} } = Object(value);
  const { validate, jsonSchema } = Object(Object(params)["~standard"]);
  const texts = [name, summary, description];
  const functions = [validate, Object(jsonSchema).input, run, tables, page];
  return (
    Array.isArray(examples) &&
    Array.isArray(tableKinds) &&
    typeof resultSchema === "object" &&
    [...examples, ...tableKinds, ...texts].every((text) => typeof text === "string") &&
    [...functions, ...(needs === "outline" ? [] : [needs === "files" ? plan : estimate])].every(
      (part) => typeof part === "function",
    )
  );
}
