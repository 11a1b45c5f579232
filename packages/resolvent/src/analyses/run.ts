import {
  type Analysis,
  defineAnalysis,
  type NewFile,
  normOf,
  type Outline,
  type Prompt,
  promptResult,
  type SiteVector,
  type Subject,
  type TopToken,
  topTokens,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  flagParameter,
  newFileParameter,
  numberParameter,
  parameters,
  promptParameter,
  siteVectorsParameter,
  textsParameter,
} from "@resolvent/analysis/parameters";
import {
  type Cost,
  type CostOps,
  InputError,
  readTogether,
  type Shaped,
  using,
} from "@resolvent/tensor";
import {
  chooses,
  generate,
  type Model,
  nextTokenLoss,
  replacements,
  runCost,
  type StoredValue,
  storedRun,
  tokenIds,
  traceBytes,
} from "@resolvent/transformer";
import { decodeNumbers, safetensorsChunks } from "@resolvent/weights";
import { checkPatterns, PATTERNS, patternsIn } from "./patterns.ts";
import { interventionFacts, interventionsOf, meansOf } from "./run-interventions.ts";
import type { Generated, RunResult } from "./run-result.ts";
import { runTables } from "./run-tables.ts";
import { runAnswer, runViews } from "./run-views.ts";

/** How traces can be kept. */
const TRACE_DTYPES = { f32: "F32", f16: "F16" } as const;

interface RunParameters {
  readonly prompt: Prompt;
  readonly top: number;
  readonly generate: number;
  readonly temperature: number;
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly seed: number;
  readonly sites: readonly string[];
  readonly attention: boolean;
  readonly ablate: readonly string[];
  readonly with: "zero" | "mean";
  readonly steer: readonly SiteVector[];
  readonly save?: NewFile | undefined;
  readonly saveAs: keyof typeof TRACE_DTYPES;
}

/** A forward pass, and what the model would say next. */
export const run: Analysis<RunParameters, RunResult> = defineAnalysis<RunParameters, RunResult>({
  name: "run",
  summary: "a forward pass: likeliest next tokens, loss, continuation, sites",
  description:
    "Runs MODEL on a text and shows the likeliest next tokens, the loss, and, if asked, a continuation.",
  params: parameters(
    {
      prompt: promptParameter("text to read"),
      top: countParameter("number of likeliest next tokens given, in every format", {
        ...{ default: 10, least: 1 },
      }),
      generate: countParameter("number of tokens to generate", { default: 0 }),
      temperature: numberParameter("sampling temperature; 0 takes the likeliest token each time", {
        ...{ default: 0, least: 0, title: "t" },
      }),
      topK: countParameter("sample among the k likeliest tokens", {
        ...{ optional: true, least: 1, title: "k" },
      }),
      topP: numberParameter("sample among the likeliest tokens that reach this probability", {
        ...{ optional: true, above: 0, most: 1, title: "p" },
      }),
      seed: countParameter("random seed of the sampling", { default: 0 }),
      sites: textsParameter("also show shapes and norms of sites, such as '*.pattern' 'L0.*'", {
        title: "names...",
      }),
      attention: flagParameter("also give the attention pattern of every head, which --html draws"),
      ablate: textsParameter(
        "take out nodes: blocks L1.mlp, layers L1, heads L0.H3, neurons L0.N12",
        { title: "nodes..." },
      ),
      with: choiceParameter(
        "what ablated nodes write instead: nothing, or their mean over all positions of the prompt",
        ["zero", "mean"],
        { default: "zero" },
      ),
      steer: siteVectorsParameter(
        "add a vector at a site, such as L1.mlp.after=FILE, or some times, L1.mlp.after=FILE:-2",
      ),
      save: newFileParameter("save the values of the sites as safetensors"),
      saveAs: choiceParameter("dtype of the saved values", ["f32", "f16"], {
        ...{ default: "f32", title: "dtype" },
      }),
    },
    [
      {
        parameter: "temperature",
        passes: ({ topK, topP, temperature }) => temperature > 0 || (topK ?? topP) === undefined,
        message: "Sampling among the likeliest needs a temperature above 0",
      },
      {
        parameter: "with",
        passes: (params) => params.with === "zero" || params.ablate.length > 0,
        message: "What is written instead needs nodes that are ablated: --ablate L0.H3",
      },
    ],
  ),
  examples: [
    'tales --prompt "Once upon a time" --generate 40',
    'tales --prompt "Once upon a time" --attention --html page.html',
    "tales --prompt \"Once upon a time\" --sites '*.pattern' final.norm --save trace.safetensors",
    'tales --prompt "Once upon a time" --ablate L0.H3,L1.mlp --with mean',
    'tales --prompt "Once upon a time" --steer L1.mlp.after=vector.json:4 --generate 20',
  ],
  estimate,
  run: work,
  tables: runTables,
  tableKinds: ["next-token", "site", "generated-token", "attention"],
  answer: runAnswer,
  views: runViews,
});

function estimate({ model, vocabulary, precision }: Outline, params: RunParameters): Cost {
  const ids = vocabulary.encode(params.prompt);
  if (params.attention) checkPatterns(model, ids.length);
  const kept = traceBytes(model, ids, keptOf(params));
  if (params.save !== undefined && params.sites.length === 0) {
    throw new InputError({
      code: "analysis/nothing-to-save",
      message: "--save has nothing to save.",
      remedy: "Choose sites: --sites '*.pattern'.",
    });
  }
  const changes = interventionsOf(params, undefined);
  const replace = (ops: CostOps) => replacements(ops, model, changes);
  const plain = runCost(model, ids, { precision, replace });
  // The mean is that of a run of its own.
  const one = params.with === "mean" ? twice(plain) : plain;
  const traced = sum([...kept.values()]);
  if (params.generate === 0) return { ...one, peakBytes: one.peakBytes + traced };
  // Keys and values of earlier positions are kept, so a text costs as much as a run on all of it.
  const { context, layers, kv_heads, d_head } = model.architecture;
  const length = Math.min(context, ids.length + params.generate);
  const text = runCost(model, Array<number>(length).fill(ids[0] ?? 0), { precision });
  const cached = 2 * layers * kv_heads * d_head * length * (precision === "f64" ? 8 : 4);
  return {
    flops: one.flops + text.flops,
    matmulFlops: one.matmulFlops + text.matmulFlops,
    bytesMoved: one.bytesMoved + text.bytesMoved,
    peakBytes: one.peakBytes + traced + 2 * cached, // the old ones stay until the new ones are there
    calls: Object.fromEntries(
      Object.entries(one.calls).map(([name, n]) => [name, n * (1 + length - ids.length)]),
    ),
  };
}

async function work<T extends Shaped>(
  subject: Subject<T>,
  params: RunParameters,
): Promise<RunResult> {
  const { engine, model, vocabulary, signal } = subject;
  const ids = vocabulary.encode(params.prompt);
  const changes = interventionsOf(params, await meansOf(subject, params, ids));
  const replace = replacements(engine, model, changes);
  const { logits, trace } = await storedRun(engine, model, ids, { ...keptOf(params), replace });
  signal.throwIfAborted();
  const asked = chooses(params.sites);
  const chosen = new Map([...trace].filter(([site]) => asked(site)));
  if (params.save !== undefined) await saveTrace(params.save, chosen, model, ids);
  const { loss, next } = await predictions(subject, logits, ids, params.top);
  engine.free(logits);
  const tokens: number[] = [];
  const { temperature, topK, topP, seed } = params;
  if (params.generate > 0) {
    const sampling = { temperature, topK, topP, seed, signal, maxTokens: params.generate };
    const changed = (start: number) => replacements(engine, model, changes, { start });
    for await (const id of generate(engine, model, ids, {
      ...sampling,
      ...(changes.length > 0 && { replace: changed }),
    })) {
      tokens.push(id);
      subject.onProgress({ done: tokens.length, total: params.generate, of: "token" });
    }
  }
  const text = added(vocabulary, ids, tokens);
  return {
    ...promptResult("run", engine, model, ids, { text: vocabulary.text }),
    loss,
    next,
    generated:
      params.generate > 0 ? { tokens, text, stop: stopOf(model, ids, tokens, params) } : null,
    ...(changes.length > 0 && { interventions: interventionFacts(params) }),
    sites: [...chosen].map(([site, value]) => ({
      site,
      shape: value.shape,
      norm: storedNorm(value),
    })),
    ...(params.attention && { attention: patternsIn(trace) }),
  };
}

/** Twice the work, one after the other. */
function twice(cost: Cost): Cost {
  return {
    ...cost,
    flops: 2 * cost.flops,
    matmulFlops: 2 * cost.matmulFlops,
    bytesMoved: 2 * cost.bytesMoved,
    calls: Object.fromEntries(Object.entries(cost.calls).map(([name, n]) => [name, 2 * n])),
  };
}

function keptOf({ sites, attention, saveAs }: RunParameters) {
  return { sites: attention ? [...sites, PATTERNS] : sites, dtype: TRACE_DTYPES[saveAs] };
}

/** The mean loss of a run, and the likeliest tokens after it. */
async function predictions<T extends Shaped>(
  { engine, vocabulary }: Subject<T>,
  logits: T,
  ids: readonly number[],
  count: number,
): Promise<{ readonly loss: number | null; readonly next: readonly TopToken[] }> {
  const asked = (): { last: T; mean: T | undefined } => {
    const last = engine.slice(logits, "pos", ids.length - 1, ids.length);
    const mean = ids.length < 2 ? undefined : nextTokenLoss(engine, logits, tokenIds(ids));
    return { last, mean };
  };
  return using(engine, asked, async ({ last, mean }) => {
    const [[loss = null]] = await readTogether(engine, [mean]);
    const [next = []] = await topTokens(engine, last, { count, text: vocabulary.text });
    return { loss, next };
  });
}

/** What generated tokens add to a text: decoders may treat the start of one in their own way. */
function added(
  vocabulary: Vocabulary,
  ids: readonly number[],
  generated: readonly number[],
): string {
  const before = vocabulary.decode(ids);
  const after = vocabulary.decode([...ids, ...generated]);
  return after.startsWith(before)
    ? after.slice(before.length)
    : generated.map((id) => vocabulary.text(id)).join("");
}

function storedNorm({ dtype, shape, bytes: stored }: StoredValue): number {
  return normOf(decodeNumbers({ dtype, shape: Object.values(shape), bytes: stored }, "f32"));
}

/** Writes a trace as safetensors: a tensor for each site, and the names of their axes as metadata. */
async function saveTrace<T extends Shaped>(
  file: NewFile,
  trace: ReadonlyMap<string, StoredValue>,
  { name: model }: Model<T>,
  tokens: readonly number[],
): Promise<void> {
  const entries = [...trace];
  const axes = Object.fromEntries(entries.map(([site, { shape }]) => [site, Object.keys(shape)]));
  const pieces = safetensorsChunks(
    entries.map(([name, { shape, dtype, bytes: stored }]) => ({
      ...{ name, dtype, shape: Object.values(shape) },
      bytes: stored,
    })),
    { metadata: { axes: JSON.stringify(axes), model, tokens: tokens.join(",") } },
  );
  await file.write(pieces, sum(entries.map(([, { bytes: stored }]) => stored.byteLength)));
}

function stopOf<T extends Shaped>(
  { architecture }: Model<T>,
  ids: readonly number[],
  { length }: readonly number[],
  { generate: asked }: RunParameters,
): Generated["stop"] {
  if (length >= asked) return "length";
  return ids.length + length >= architecture.context ? "context" : "end";
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
