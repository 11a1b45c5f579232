import {
  faultOfResult,
  type JsonSchema,
  type ListedAnalysis,
  type Table,
} from "@resolvent/analysis";
import { InputError, isInputError } from "@resolvent/tensor";
import { PLUGIN_FAILED } from "../failure.ts";
import { messageOf } from "./place.ts";

/** How often what runs is looked at, in milliseconds: as long as it is, the process does not end by itself. */
const ALIVE = 1000;

/** An analysis of a plug-in: whatever it throws but errors of callers is told as its fault, by its name. */
export function guarded<A extends ListedAnalysis>(plugin: string, given: A): A {
  const { name } = given;
  const failed = (doing: string, cause: unknown): unknown => {
    if (isInputError(cause) || isAbort(cause)) return cause;
    return pluginFailed(plugin, `${name} failed while it ${doing}: ${messageOf(cause)}`, cause);
  };
  const at =
    <Args extends readonly unknown[], V>(doing: string, work: (...args: Args) => V) =>
    (...args: Args): V => {
      try {
        return work(...args);
      } catch (error) {
        throw failed(doing, error);
      }
    };
  const waiting =
    <Args extends readonly unknown[], V>(
      work: (...args: Args) => Promise<V>,
      schema: JsonSchema | null = given.resultSchema ?? null,
    ) =>
    async (...args: Args): Promise<V> => {
      // A promise that nothing will ever keep ends the process silently; a timer leaves that to whoever waits.
      const alive = setInterval(() => {}, ALIVE);
      let result: V;
      try {
        result = await work(...args);
      } catch (error) {
        throw failed("ran", error);
      } finally {
        clearInterval(alive);
      }
      const wrong = faultOfResult(result, schema ?? undefined);
      if (wrong !== undefined) throw pluginFailed(plugin, `${name} gave ${wrong}`);
      return result;
    };
  const alone = given.alone?.bind(given);
  const tables = at("made its tables", given.tables.bind(given));
  return {
    ...given,
    ...(given.needs === "files" && {
      // Its result is of a kind of its own.
      plan: waiting(
        (given.plan as (...args: readonly unknown[]) => Promise<unknown>).bind(given),
        null,
      ),
    }),
    ...(given.needs !== "outline" &&
      given.needs !== "files" && {
        estimate: at("estimated its cost", given.estimate.bind(given)),
        ...(given.estimateProvided !== undefined && {
          estimateProvided: at("estimated its cost", given.estimateProvided.bind(given)),
        }),
      }),
    // Kinds of analyses are not told apart here.
    run: waiting((given.run as (...args: readonly unknown[]) => Promise<unknown>).bind(given)),
    ...(alone !== undefined && {
      alone: (...args: Parameters<typeof alone>) => {
        const work = at("ran", alone)(...args);
        return work && waiting(work);
      },
    }),
    tables: (result: Parameters<A["tables"]>[0]) => {
      const made: unknown = tables(result);
      if (Array.isArray(made) && made.every(isTable)) return made;
      throw pluginFailed(plugin, `${name} gave tables that are none`);
    },
    ...(given.views !== undefined && { views: at("made its figures", given.views.bind(given)) }),
    ...(given.answer !== undefined && {
      answer: at("put its answer into words", given.answer.bind(given)),
    }),
  };
}

/** A plug-in that does not do what it has to: its fault, and not its user's. */
export function pluginFailed(plugin: string, what: string, cause?: unknown): InputError {
  return new InputError({
    code: PLUGIN_FAILED,
    message: `The plug-in ${plugin}: ${what.replace(/\.$/, "")}.`,
    remedy: "That is a fault of the plug-in: tell its author.",
    details: { plugin },
    ...(cause !== undefined && { cause }),
  });
}

function isTable(value: unknown): value is Table {
  const { kind, columns, rows } = Object(value); // of what has no fields, none
  return typeof kind === "string" && Array.isArray(columns) && Array.isArray(rows);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
