import { type Cost, InputError, type Shaped } from "@resolvent/tensor";
import type { Analysis, AnyAnalysis } from "./analysis.ts";
import { type PromptRow, parsePromptRows } from "./prompt-rows.ts";
import { type PromptSet, setRows, setTables } from "./prompt-set.ts";
import { type Result, type TokenFacts, tokenFacts } from "./result.ts";
import { computedResult } from "./result-head.ts";
import type { Parameters } from "./schema.ts";
import { setHead } from "./set-head.ts";
import { setAnswer, setViews } from "./set-views.ts";
import { soundnessOf } from "./soundness.ts";
import type { Subject, Vocabulary } from "./subject.ts";

/** Parameters of one prompt, or those of each of several. */
type OneOrMany<P> =
  | P
  | {
      readonly rows: readonly { readonly line: number; readonly params: P }[];
      readonly each: boolean;
    };

export interface OverPromptsOptions {
  /** Kinds of tables whose rows are places of one prompt, so that over several they have no means; default none. */
  readonly single?: readonly string[];
  /** Kinds of tables for data formats of which people see the means, as of what one prompt says in a note; default none. */
  readonly seen?: readonly string[];
}

/**
 * The same analysis, which also takes a file of prompts (`--prompts FILE`) in place of one: it is run on each, and the
 * numbers of its tables become means over prompts with 95 % intervals, row by row; `--each` keeps the results of all. A
 * row of the file may have a target of its own, where the analysis takes one. Each prompt is certified as it would be
 * alone, in float64 too, and the set says the worst.
 */
export function overPrompts<P, R extends Result>(
  analysis: Analysis<P, R>,
  { single = [], seen = [] }: OverPromptsOptions = {},
): AnyAnalysis {
  const kinds = analysis.tableKinds ?? [];
  const { needs, answer, views, estimateProvided } = analysis;
  const over: Analysis<OneOrMany<P>, R | PromptSet> = {
    ...describedOf(analysis),
    ...(needs !== undefined && {
      needs: (params) =>
        typeof needs === "function"
          ? [...new Set(inRows(isMany(params) ? params.rows : [{ line: 1, params }], needs).flat())]
          : needs,
    }),
    ...(answer && { answer: (result) => (isSet(result) ? setAnswer(result) : answer(result)) }),
    ...(views && {
      views: (result) => (isSet(result) ? setViews(result) : views(result)),
    }),
    params: parametersOver(analysis.params),
    estimate: (outline, params) =>
      isMany(params)
        ? sumOf(inRows(params.rows, (own) => analysis.estimate(outline, own)))
        : analysis.estimate(outline, params),
    ...(estimateProvided && {
      estimateProvided: async (outline, params, provided) => {
        if (!isMany(params)) return await estimateProvided(outline, params, provided);
        const estimate = (own: P): Promise<Cost> => estimateProvided(outline, own, provided);
        return sumOf(await Promise.all(inRows(params.rows, estimate)));
      },
    }),
    run: async (subject, params) =>
      isMany(params)
        ? await runEach(analysis, subject, params, { single, seen })
        : await analysis.run(subject, params),
    tables: (result) => (isSet(result) ? setTables(result) : analysis.tables(result)),
    tableKinds: [
      ...kinds,
      ...kinds.filter((kind) => !single.includes(kind)).map((kind) => `${kind}-mean`),
      "prompt",
    ],
  };
  return over;
}

/** What is the same for one prompt and for several. */
function describedOf<P, R extends Result>({
  name,
  summary,
  description,
  examples,
  mayNeed,
  float64,
  resumable,
  resultSchema,
}: Analysis<P, R>): Pick<
  Analysis<P, R>,
  | "name"
  | "summary"
  | "description"
  | "examples"
  | "mayNeed"
  | "float64"
  | "resumable"
  | "resultSchema"
> {
  return {
    ...{ name, summary, description },
    ...(examples && { examples }),
    ...(mayNeed && { mayNeed }),
    ...(float64 !== undefined && { float64 }),
    ...(resumable !== undefined && { resumable }),
    ...(resultSchema && { resultSchema }),
  };
}

function isMany<P>(params: OneOrMany<P>): params is Extract<
  OneOrMany<P>,
  {
    readonly each: boolean;
    readonly rows: readonly { readonly line: number; readonly params: P }[];
  }
> {
  return Array.isArray(Object(params).rows) && "each" in Object(params);
}

function isSet(result: Result): result is PromptSet {
  return result.kind === "prompt-set";
}

async function runEach<P, R extends Result, T extends Shaped>(
  analysis: Analysis<P, R>,
  subject: Subject<T>,
  {
    rows,
    each,
  }: {
    readonly rows: readonly { readonly line: number; readonly params: P }[];
    readonly each: boolean;
  },
  kinds: Required<OverPromptsOptions>,
): Promise<PromptSet> {
  const { engine, model, vocabulary, signal, onProgress, inFloat64, onPartial } = subject;
  const prompts: PromptSet["prompts"][number][] = [];
  const results: Result[] = [];
  const means = setRows(kinds);
  const head = setHead();
  const aboveTolerance: number[] = [];
  const soFar = (): PromptSet => ({
    ...computedResult("prompt-set", engine, model, head.fields()),
    analysis: analysis.name,
    prompts: [...prompts],
    interval: { level: 0.95, method: "student-t" },
    aboveTolerance: [...aboveTolerance],
    means: means.tables(),
    each: each ? [...results] : null,
  });
  const runAll = async (exactly: Subject<T>["inFloat64"]): Promise<void> => {
    // No one is shown an unfinished result of a single prompt.
    const { onPartial: _, ...rest } = subject;
    const own = { ...rest, inFloat64: exactly, onProgress: () => {} };
    for (const { line, params } of rows) {
      signal.throwIfAborted();
      const result = await naming(line, () => analysis.run(own, params));
      means.add(analysis.tables(result));
      head.add(result);
      if (soundnessOf(result).unbalanced.length > 0) aboveTolerance.push(line);
      prompts.push({ line, tokens: tokensOf(params, vocabulary) });
      if (each) results.push(result);
      const progress = { done: prompts.length, total: rows.length, of: "prompt" };
      onProgress(progress);
      if (prompts.length < rows.length) onPartial?.(soFar(), progress);
    }
  };
  // The model in float64 is loaded once for all.
  if (inFloat64 === undefined) await runAll(undefined);
  else {
    await inFloat64((engine64, model64, models64) =>
      runAll((use) => use(engine64, model64, models64)),
    );
  }
  return soFar();
}

function tokensOf(params: unknown, vocabulary: Vocabulary): TokenFacts[] {
  const { prompt } = Object(params); // analyses of a prompt have it by that name
  return tokenFacts(vocabulary.encode(prompt), vocabulary);
}

/** Does something for each row; what is refused names the row. */
function inRows<P, V>(
  rows: readonly { readonly line: number; readonly params: P }[],
  use: (params: P) => V,
): V[] {
  return rows.map(({ line, params }) => {
    try {
      return use(params);
    } catch (error) {
      throw ofLine(error, line);
    }
  });
}

async function naming<V>(line: number, work: () => Promise<V>): Promise<V> {
  try {
    return await work();
  } catch (error) {
    throw ofLine(error, line);
  }
}

function ofLine(error: unknown, line: number): unknown {
  if (!(error instanceof InputError)) return error;
  const { code, message, remedy, details } = error;
  return new InputError({
    ...{ code, message: `Prompts, line ${line}: ${message}`, cause: error },
    ...(remedy !== undefined && { remedy }),
    details: { ...details, line },
  });
}

/** One after the other. */
function sumOf(costs: readonly Cost[]): Cost {
  const sum = (of: (cost: Cost) => number): number =>
    costs.reduce((all, cost) => all + of(cost), 0);
  const calls: Record<string, number> = {};
  for (const cost of costs) {
    for (const [name, count] of Object.entries(cost.calls))
      calls[name] = (calls[name] ?? 0) + count;
  }
  return {
    flops: sum((cost) => cost.flops),
    matmulFlops: sum((cost) => cost.matmulFlops),
    bytesMoved: sum((cost) => cost.bytesMoved),
    peakBytes: Math.max(...costs.map((cost) => cost.peakBytes)),
    calls,
  };
}

const PROMPTS =
  'instead of one prompt, several: plain text with one a line, JSON lines of {"prompt": …, "target": [a, b]}, or CSV with that header; numbers become means over them, with 95 % intervals';
const EACH = "with --prompts, also keep the result of each in JSON";

function parametersOver<P>(inner: Parameters<P>): Parameters<OneOrMany<P>> {
  const own = inner["~standard"];
  type Validate = Parameters<OneOrMany<P>>["~standard"]["validate"];
  const validate: Validate = async (values) => {
    const { prompts, each = false, ...rest }: Record<string, unknown> = Object(values);
    const refused = (message: string, path: string) => ({ issues: [{ message, path: [path] }] });
    if (typeof each !== "boolean") return refused("Expected a boolean", "each");
    if (prompts === undefined) {
      return each
        ? refused("Each is of several prompts: give a file of them (--prompts)", "each")
        : await own.validate(rest);
    }
    if (typeof prompts !== "string") return refused("Expected the text of a file", "prompts");
    if (rest.prompt !== undefined)
      return refused("Both a prompt and a file of prompts are given", "prompts");
    const rows: { line: number; params: P }[] = [];
    for (const { line, ...row } of parsePromptRows(prompts)) {
      const checked = await own.validate({ ...rest, ...rowValues(row) });
      if (checked.issues !== undefined) return checked;
      rows.push({ line, params: checked.value });
    }
    return { value: { rows, each } };
  };
  return {
    "~standard": {
      ...own,
      validate,
      jsonSchema: {
        input: (options) => withPrompts(own.jsonSchema.input(options)),
        output: (options) => withPrompts(own.jsonSchema.output(options)),
      },
      types: undefined,
    },
  };
}

function rowValues({ prompt, target }: Omit<PromptRow, "line">): Readonly<Record<string, unknown>> {
  return { prompt, ...(target !== undefined && { target }) };
}

function withPrompts(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const prompts = { type: "string", format: "json-lines", title: "file", description: PROMPTS };
  const each = { type: "boolean", default: false, description: EACH };
  return { ...schema, properties: { ...Object(schema.properties), prompts, each } };
}
