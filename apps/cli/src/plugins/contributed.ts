import { pathToFileURL } from "node:url";
import { defineAnalysis, isAnalysis, type ListedAnalysis } from "@resolvent/analysis";
import { guarded, pluginFailed } from "./guarded.ts";
import { type FoundPlugin, messageOf } from "./place.ts";

/** Milliseconds that a plug-in may take to load, where it lets others run meanwhile. */
const LOADING = 10_000;

/** An analysis of a plug-in, or why there is none. */
export type Contributed =
  | { readonly analysis: ListedAnalysis; readonly plugin: string }
  | { readonly fault: unknown };

/**
 * Loads a plug-in and looks through what it exports. Nothing is thrown: a fault of a plug-in is no reason not to run
 * other commands.
 */
export async function contributedBy(plugin: FoundPlugin): Promise<readonly Contributed[]> {
  const { name, entry } = plugin;
  let exported: unknown;
  try {
    const module: unknown = await inTime(import(pathToFileURL(entry).href));
    exported = Object(module).analyses;
  } catch (error) {
    return [{ fault: pluginFailed(name, `it cannot be loaded: ${messageOf(error)}`, error) }];
  }
  if (!Array.isArray(exported) || exported.length === 0) {
    return [{ fault: pluginFailed(name, "it exports no list `analyses`") }];
  }
  return exported.map((value: unknown): Contributed => {
    if (!isAnalysis(value)) {
      return { fault: pluginFailed(name, "something in its list `analyses` is no analysis") };
    }
    try {
      // Whether its author has called it or not.
      const analysis = defined(value);
      return { analysis: guarded(name, analysis), plugin: name };
    } catch (error) {
      return { fault: pluginFailed(name, messageOf(error), error) };
    }
  });
}

/** The same analysis, checked as one of its kind. */
function defined(analysis: ListedAnalysis): ListedAnalysis {
  if (analysis.needs === "outline") return defineAnalysis(analysis);
  return analysis.needs === "files" ? defineAnalysis(analysis) : defineAnalysis(analysis);
}

/** What a promise gives, if it gives anything in time. */
async function inTime<V>(promise: Promise<V>): Promise<V> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`it is not there after ${LOADING / 1000} s`);
    timer = setTimeout(() => reject(error), LOADING);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
