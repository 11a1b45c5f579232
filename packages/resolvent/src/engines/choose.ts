import type { CpuOptions } from "@resolvent/cpu";
import { InputError, isInputError, type Precision } from "@resolvent/tensor";
import type { AnyEngine, EngineName } from "./any-engine.ts";
import { type Candidate, candidates, type Look } from "./candidates.ts";
import { type Probe, probe } from "./probe.ts";

/** How an engine is chosen, and how it computes; what only cpu has counts where that is chosen. */
export interface EngineOptions extends CpuOptions {
  /** The engine to use, whatever would be chosen. */
  readonly engine?: EngineName;
  /** Numbers of the model's weights: of small ones a GPU has no time to gain; default those of GPT-2 small. */
  readonly parameters?: number;
}

/** What an engine is like here. */
export interface EngineReport {
  readonly name: EngineName;
  /** Whether it can compute here, in this precision. */
  readonly usable: boolean;
  /** In which it can compute here; none where it cannot compute at all. */
  readonly precisions: readonly Precision[];
  /** What computes, or why nothing can. */
  readonly what: string;
  /** How fast it was; undefined where there was nothing to compare it with. */
  readonly probe: Probe | undefined;
  /** Estimated milliseconds of a forward pass of 128 tokens, from the probe. */
  readonly milliseconds: number | undefined;
}

/** Which engine is used, and why. */
export interface EngineChoice {
  readonly schemaVersion: 1;
  readonly engine: EngineName;
  readonly precision: Precision;
  /** Of the model that it was chosen for. */
  readonly parameters: number;
  /** In words. */
  readonly why: string;
  /** Those that were looked at, in their order; all of them where a report was asked for. */
  readonly engines: readonly EngineReport[];
}

const GPT2_SMALL = 124_439_808;
/** Tokens of the forward pass that is estimated. */
const POSITIONS = 128;
/** Operations of it that have next to nothing to compute: those of a dozen layers. */
const SMALL_OPERATIONS = 300;
/** Weights of models that are too small for a GPU to gain: at 50 GFLOP/s their forward pass takes 25 ms. */
const SMALL = 10_000_000;
/** Bytes of a weight in f32. */
const WIDTH = 4;

/** Those that are compared where both are there; the others are slower wherever one of them is. */
const fast: readonly EngineName[] = ["webgpu", "cpu"];

/** What kept an engine from being made for reasons that hold for it alone. */
const NOT_HERE = /^(webgpu\/|gpujs\/|cpu\/no-(kernels|worker)$)/;

/** What was found of each, for as long as the program runs. */
const looks = new Map<EngineName, Promise<Look>>();
const probes = new Map<EngineName, Promise<Probe>>();

/**
 * Which engine is the best here for a model of some size, and why.
 *
 * ```ts
 * const { engine, why } = await chooseEngine({ parameters: 124e6 });
 * ```
 *
 * @param all looks at every engine, for a report; default at those only that may be chosen
 * @throws InputError `resolvent/no-engine` for a name that is none, `resolvent/engine-precision`
 */
export async function chooseEngine(
  options: EngineOptions = {},
  { all = false }: { readonly all?: boolean } = {},
): Promise<EngineChoice> {
  const { precision = "f32", parameters = GPT2_SMALL } = options;
  const asked = askedFor(options, precision);
  const isSmall = parameters < SMALL;
  const engines: EngineReport[] = [];
  const rivals: EngineReport[] = [];
  for (const candidate of candidates) {
    const { name } = candidate;
    const mayWin = asked === undefined && (rivals.length === 0 || name === "cpu");
    if (!all && !(mayWin && !(isSmall && name === "webgpu"))) continue;
    const { report, slow } = await reportOf(candidate, precision);
    engines.push(report);
    if (report.usable && !slow && fast.includes(name)) rivals.push(report);
  }
  const isContest = rivals.length > 1 && (all || (asked === undefined && !isSmall));
  const timed = isContest
    ? await inTurn(engines, (one) => (rivals.includes(one) ? measured(one, parameters) : one))
    : engines;
  const choice = asked ?? best(timed, precision, parameters);
  return { schemaVersion: 1, ...choice, precision, parameters, engines: timed };
}

/**
 * The engine that `chooseEngine` chooses; where that cannot be made after all, the next that can.
 *
 * @throws as `chooseEngine`, and as the engine
 */
export async function openEngine(options: EngineOptions): Promise<AnyEngine> {
  const { engine: asked, parameters, ...own } = options;
  const { precision = "f32" } = own;
  const { engine } = await chooseEngine(options);
  const others = askedFor(options, precision) === undefined ? candidates : [];
  const order = [candidateOf(engine), ...others.filter(({ name }) => name !== engine)];
  const able = order.filter(({ precisions }) => precisions.includes(precision));
  for (const candidate of able.slice(0, -1)) {
    try {
      return await candidate.create(own);
    } catch (error) {
      if (!isInputError(error) || !NOT_HERE.test(error.code)) throw error;
    }
  }
  return await (able.at(-1) ?? candidateOf(engine)).create(own);
}

function candidateOf(name: EngineName): Candidate {
  const found = candidates.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new InputError({
    code: "resolvent/no-engine",
    message: `There is no engine ${JSON.stringify(name)}.`,
    remedy: `Name one of ${candidates.map((one) => one.name).join(", ")}.`,
    details: { got: name, engines: candidates.map((one) => one.name) },
  });
}

/** The engine that the caller names. */
function askedFor(
  { engine }: EngineOptions,
  precision: Precision,
): Pick<EngineChoice, "engine" | "why"> | undefined {
  if (engine === undefined) return undefined;
  const { precisions } = candidateOf(engine);
  if (precisions.includes(precision)) return { engine, why: `${engine} was asked for.` };
  throw new InputError({
    code: "resolvent/engine-precision",
    message: `${engine} computes in ${precisions.join(" and ")}, and ${precision} was asked for.`,
    remedy: `Ask for ${precisions[0]}, or for the engine ${precision === "f64" ? "cpu" : "that is chosen"}.`,
    details: { engine, precisions, got: precision },
  });
}

async function reportOf(
  { name, precisions, look }: Candidate,
  precision: Precision,
): Promise<{ readonly report: EngineReport; readonly slow: boolean }> {
  const unknown = { probe: undefined, milliseconds: undefined };
  const seen = await kept(looks, name, look);
  if ("missing" in seen)
    return {
      report: { name, usable: false, precisions: [], what: seen.missing, ...unknown },
      slow: false,
    };
  const usable = precisions.includes(precision);
  const only = usable ? "" : `; it computes in ${precisions.join(" and ")} only`;
  const report = { name, usable, precisions, what: `${seen.found}${only}`, ...unknown };
  return { report, slow: seen.slow === true };
}

/** The same with how fast it is, where it starts at all. */
async function measured(report: EngineReport, parameters: number): Promise<EngineReport> {
  try {
    const found = await kept(probes, report.name, async () => {
      const engine = await candidateOf(report.name).create({});
      try {
        return await probe(engine);
      } finally {
        await engine.close();
      }
    });
    const products = (2 * parameters * POSITIONS) / found.gflops / 1e6;
    return { ...report, probe: found, milliseconds: products + found.latency * SMALL_OPERATIONS };
  } catch (error) {
    return {
      ...report,
      ...{ usable: false, precisions: [] },
      what: error instanceof Error ? error.message : String(error),
    };
  }
}

/** The first that is fast where none was timed, for the slower come last. */
function best(
  engines: readonly EngineReport[],
  precision: Precision,
  parameters: number,
): Pick<EngineChoice, "engine" | "why"> {
  const usable = engines.filter((one) => one.usable);
  const cpu = usable.find(({ name }) => name === "cpu");
  if (cpu !== undefined && parameters < SMALL) {
    const why = `With ${parameters.toLocaleString("en")} weights the model is so small that a GPU has no time to gain.`;
    return { engine: cpu.name, why };
  }
  const timed = usable.filter((one) => one.milliseconds !== undefined);
  const roomy = timed.filter(
    ({ probe: found }) => parameters * WIDTH <= (found?.limit ?? Number.POSITIVE_INFINITY),
  );
  const [first] = (roomy.length > 0 ? roomy : timed).toSorted(
    (a, b) => Number(a.milliseconds) - Number(b.milliseconds),
  );
  if (first !== undefined) {
    const times = timed.map(
      ({ name, milliseconds = 0 }) => `${name} ${milliseconds.toPrecision(2)} ms`,
    );
    const room =
      roomy.includes(first) && roomy.length < timed.length ? " Only there it has room." : "";
    const why = `A forward pass of ${POSITIONS} tokens would take, as measured here: ${times.join(", ")}.${room}`;
    return { engine: first.name, why };
  }
  const only = cpu ?? usable[0];
  if (only === undefined) {
    throw new InputError({
      code: "resolvent/no-engine",
      message: `No engine can compute here in ${precision}: ${engines.map(({ name, what }) => `${name}: ${what}`).join("; ")}.`,
      details: { precision, engines },
    });
  }
  const others = engines.filter((one) => fast.includes(one.name) && one !== only);
  const reasons = others.map(({ name, what }) => ` ${name} is not used: ${what}`);
  return { engine: only.name, why: `${only.name}: ${only.what}.${reasons.join("")}` };
}

/** One after the other: what is timed wants the machine for itself. */
async function inTurn<V, R>(list: readonly V[], each: (one: V) => R | Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const one of list) results.push(await each(one));
  return results;
}

function kept<V>(
  map: Map<EngineName, Promise<V>>,
  name: EngineName,
  make: () => Promise<V>,
): Promise<V> {
  const known = map.get(name) ?? make();
  map.set(name, known);
  known.catch(() => map.delete(name));
  return known;
}
