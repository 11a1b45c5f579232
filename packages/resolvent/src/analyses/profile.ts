import {
  type Analysis,
  defineAnalysis,
  type Prompt,
  type PromptResult,
  pause,
  percent,
  promptResult,
  ratio,
  type Subject,
  type Table,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  parameters,
  promptParameter,
} from "@resolvent/analysis/parameters";
import { degreeTerms, GATES } from "@resolvent/expansion";
import { type Ops, priced, profile as profiled, type Shaped, type Timing } from "@resolvent/tensor";
import {
  labelling,
  type Model,
  plainSites,
  residualStream,
  type Sites,
  tokenIds,
  unembed,
} from "@resolvent/transformer";

/** What can be measured. */
const WORK = ["forward", "sweep", "tree"] as const;
type Work = (typeof WORK)[number];

interface ProfileParameters {
  readonly prompt: Prompt;
  readonly work: Work;
  readonly runs: number;
}

/** Where the time of a computation goes. */
interface Profile extends PromptResult<"profile"> {
  readonly threads: number;
  readonly work: Work;
  /** Of one run, the mean of `runs` after one that warms up. */
  readonly milliseconds: number;
  readonly runs: number;
  readonly operations: readonly Share[];
  /** By site, without the blocks' names; only for `forward`. */
  readonly sites: readonly Share[];
}

interface Share {
  readonly name: string;
  readonly calls: number;
  readonly milliseconds: number;
  readonly share: number | null;
}

/** Where the time of a run goes, by operation and by site. */
export const profile: Analysis<ProfileParameters, Profile> = defineAnalysis<
  ProfileParameters,
  Profile
>({
  name: "profile",
  summary: "where time goes, by operation and by site",
  description: "Runs MODEL on a text and shows where time goes, by operation and by site.",
  params: parameters({
    prompt: promptParameter("text to read"),
    work: choiceParameter("what is timed: a forward pass, or the terms of an expansion", WORK, {
      ...{ default: "forward", title: "what" },
    }),
    runs: countParameter("number of timed runs", { default: 5, least: 1 }),
  }),
  examples: ['tales --prompt "Once upon a time" --work sweep'],
  estimate: ({ model, vocabulary, precision }, { prompt, work }) =>
    priced(precision, (ops) => compute(ops, model, vocabulary.encode(prompt), work, plainSites())),
  run: measure,
  tables: (result) => {
    const { model, input, milliseconds, operations, sites } = result;
    const threads = result.threads === 1 ? "1 thread" : `${result.threads} threads`;
    return [
      {
        ...sharesTable("operation", "operations", operations),
        subtitle: `${model.name}, ${result.work}, ${input.tokens.length} tokens: ${milliseconds.toFixed(1)} ms on ${threads} in ${result.precision}`,
        notes: [
          `Shares are of the ${operations.reduce((sum, one) => sum + one.milliseconds, 0).toFixed(1)} ms within operations.`,
        ],
      },
      sharesTable("site", "sites", sites),
    ];
  },
  tableKinds: ["operation", "site"],
  answer: ({ model, work, input, milliseconds, operations: [first], threads, precision }) => [
    `${WORK_WORDS[work]} of ${model.name} on ${input.tokens.length} ${input.tokens.length === 1 ? "token" : "tokens"} takes ${milliseconds.toFixed(1)} ms on ${threads === 1 ? "one thread" : `${threads} threads`} in ${precision}.`,
    ...(first === undefined || first.share === null
      ? []
      : [`Most of that is ${first.name}: ${percent(first.share)} of the time within operations.`]),
  ],
  views: ({ sites }) => [
    {
      ...{ mark: "bars", table: "operation", y: "name", x: "share" },
      title: "Time by operation",
      note: "Each operation’s part of the time that is spent within operations.",
    },
    ...(sites.length === 0
      ? []
      : [
          {
            ...({ mark: "bars", table: "site", y: "name", x: "share" } as const),
            title: "Time by site",
            note: "Where in the model it is spent, all layers together.",
          },
        ]),
  ],
});

const WORK_WORDS: Readonly<Record<Work, string>> = {
  forward: "A forward pass",
  sweep: "An expansion by one sweep",
  tree: "An expansion by trees",
};

async function measure<T extends Shaped>(
  { engine, model, vocabulary, signal, onProgress }: Subject<T>,
  { prompt, work, runs }: ProfileParameters,
): Promise<Profile> {
  const ids = vocabulary.encode(prompt);
  let timings: readonly Timing[] = [];
  let milliseconds = 0;
  for (let run = 0; run <= runs; run++) {
    signal.throwIfAborted();
    const ops = profiled(engine, () => performance.now());
    const sites = labelling(plainSites<T>(), ops.within);
    const start = performance.now();
    compute(ops, model, ids, work, sites);
    if (run > 0) {
      milliseconds += performance.now() - start;
      timings = [...timings, ...ops.timings()];
    } // the first one warms up
    onProgress({ done: run, total: runs, of: "run" });
    await pause(signal);
  }
  const total = timings.reduce((sum, timing) => sum + timing.milliseconds, 0);
  const shares = (by: (timing: Timing) => string): Share[] => group(timings, by, runs, total);
  return {
    ...promptResult("profile", engine, model, ids, {
      text: vocabulary.text,
      freeze: work === "sweep" ? GATES : [],
    }),
    threads: threadsOf(engine),
    work,
    milliseconds: milliseconds / runs,
    runs,
    operations: shares(({ operation }) => operation),
    sites: work === "forward" ? shares(({ within }) => siteOf(within)) : [],
  };
}

function compute<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
  work: Work,
  sites: Sites<T>,
): void {
  const ids = tokenIds(tokens);
  ops.scope(() => {
    if (work === "forward") unembed(ops, model, residualStream(ops, model, ids, sites), sites);
    else degreeTerms(ops, model, ids, { freeze: work === "sweep" ? GATES : [] });
  });
}

/** Threads that an engine computes on: one, where it says nothing. */
function threadsOf(engine: object): number {
  return "threads" in engine && typeof engine.threads === "number" ? engine.threads : 1;
}

function sharesTable(kind: string, field: string, shares: readonly Share[]): Table {
  return {
    kind,
    field,
    columns: [
      { name: "name", head: kind, kind: "text" },
      { name: "calls", kind: "count" },
      { name: "milliseconds", head: "ms", kind: "number" },
      { name: "share", kind: "bar", missing: "–" },
    ],
    rows: shares.map(({ name, calls, milliseconds, share }) => [name, calls, milliseconds, share]),
  };
}

/** `L3.attn.pattern` as `attn.pattern`: all layers together. */
function siteOf(label: string): string {
  return label === "" ? "(outside of sites)" : label.replace(/^L\d+\./, "");
}

function group(
  timings: readonly Timing[],
  by: (timing: Timing) => string,
  runs: number,
  total: number,
): Share[] {
  const sums = new Map<string, { calls: number; milliseconds: number }>();
  for (const timing of timings) {
    const sum = sums.get(by(timing)) ?? { calls: 0, milliseconds: 0 };
    sum.calls += timing.calls;
    sum.milliseconds += timing.milliseconds;
    sums.set(by(timing), sum);
  }
  return [...sums]
    .map(([name, sum]) => ({
      name,
      calls: sum.calls / runs,
      milliseconds: sum.milliseconds / runs,
      share: ratio(sum.milliseconds, total),
    }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
