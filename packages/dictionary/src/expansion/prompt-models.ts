import { type Engine, InputError, type Ops, type Shaped } from "@resolvent/tensor";
import {
  type Block,
  blocksOf,
  blockWrite,
  type Level,
  type MlpBlock,
  type Model,
  plainSites,
  run as runModel,
} from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { positionsFor, vectorsAt } from "../place.ts";
import { encode } from "../sparse.ts";
import { withBiasUnit, withErrorUnits } from "./error-units.ts";
import { expansionError } from "./expansion-error.ts";
import { featureLevel, type UnitNames, unitNames } from "./feature-level.ts";
import { onlyFeatures } from "./only-features.ts";
import { type Placed, placedIn } from "./placed.ts";
import { replacedMlp } from "./replaced-block.ts";
import { coveredBy } from "./replaced-mlp.ts";
import { withBlocks } from "./with-blocks.ts";
import { withWriteNorm } from "./write-norm.ts";

/** Models of prompts in which transcoders stand for MLPs: what is patched between the prompts. */
export interface PromptRuns<T extends Shaped> {
  /** The model of the first prompt, and with `of` that of each: they differ in their errors alone. */
  readonly model: Model<T> & {
    /** @throws InputError `dictionary/no-prompt` */
    of(prompt: readonly number[]): Model<T>;
  };
  /**
   * Heads, features `L3.F52`, what a skip adds, `L3.S7`, and the error at each position, `L3.mlp.error@4`; before a norm of
   * what the MLP writes also `L3.mlp.b_dec`, of which that norm makes something else in every run.
   */
  readonly level: Level;
}

export interface PromptModelOptions {
  /**
   * Which features there are: those that are active in one of the prompts, the default, so that no other is ever
   * active; or all of them, for small dictionaries. Of groupmax always all.
   */
  readonly features?: "active" | "all";
}

/**
 * Makes models of several prompts with transcoders in the places of MLPs, for as long as `use` takes: `patchEffects` and
 * `findCircuit` of `@resolvent/patching` take them. Every feature, and every error at its position, is a node; what it
 * is patched to is what it does in the other prompt.
 *
 * ```ts
 * await withPromptModels(cpu, model, [clean, corrupt], transcoders, async ({ model, level }) => {
 *   const words = { kind: "edge", level, reference: { kind: "run" }, direction: "noise" } as const;
 *   return patchEffects(cpu, model, [{ clean, corrupt }], patchSetting(words), { method: "eap" });
 * });
 * ```
 *
 * With all nodes patched a run is the other prompt's: they and the edges between them are all there is. What is active
 * is decided anew in every patched run, among the features that there are; errors are constants of each prompt.
 *
 * @throws InputError `dictionary/prompt-lengths`, `dictionary/not-patched` for SAEs, what `withDictionaries` throws
 */
export async function withPromptModels<T extends Shaped, R>(
  engine: Engine<T>,
  model: Model<T>,
  prompts: readonly (readonly number[])[],
  transcoders: readonly Dictionary<T>[],
  use: (made: PromptRuns<T>) => Promise<R>,
  { features = "active" }: PromptModelOptions = {},
): Promise<R> {
  const length = lengthOf(prompts);
  const placed = placedIn(model, transcoders);
  const odd = placed.find(({ role }) => role !== "block");
  if (odd !== undefined) {
    throw expansionError("dictionary/not-patched", odd.dictionary, `is of ${odd.name}, no MLP`);
  }
  const owned: unknown[] = [];
  try {
    const all: Replaced<T>[] = [];
    for (const one of placed) {
      const runs = engine.scope(() => runsAt(engine, model, one, prompts));
      owned.push(runs);
      const { kind } = one.dictionary.activation;
      const every = features === "all" || kind === "groupmax"; // whose groups are neighbours among all
      const chosen = every ? undefined : await activeIn(engine, one.dictionary, runs);
      const made = engine.scope(() => replacedAt(engine, model, one, { runs, chosen, length }));
      all.push(made);
      owned.push(made.blocks.map(ownOf));
    }
    return await use(promptRuns(model, prompts, all));
  } finally {
    engine.free(owned);
  }
}

/** What an MLP reads and writes in the run of a prompt, and what its transcoder reads of it. */
interface PromptRun<T> {
  /** `row, d_in` */
  readonly x: T;
  /** `pos, d_model` each. */
  readonly stream: T;
  readonly value: T;
}

/** An MLP's place, its blocks by prompt, and their units. */
interface Replaced<T> {
  readonly layer: number;
  readonly name: string;
  readonly blocks: readonly MlpBlock<T>[];
  readonly names: UnitNames;
}

function lengthOf(prompts: readonly (readonly number[])[]): number {
  const [first] = prompts;
  const odd = prompts.find(({ length }) => length !== first?.length);
  if (first !== undefined && odd === undefined) return first.length;
  const lengths = prompts.map(({ length }) => length);
  throw new InputError({
    code: "dictionary/prompt-lengths",
    message: `Models of prompts are compared position by position, so the prompts need as many tokens as each other: got ${lengths.join(", ") || "no prompt"}.`,
    remedy: "Give prompts of one length at a time.",
    details: { lengths },
  });
}

function runsAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  { dictionary, places: { input }, value: site }: Placed<T>,
  prompts: readonly (readonly number[])[],
): PromptRun<T>[] {
  return prompts.map((prompt) =>
    ops.scope(() => {
      const { trace } = runModel(ops, model, prompt, { sites: [input.site, site] });
      const [stream, value] = [trace.get(input.site) as T, trace.get(site) as T]; // asked for
      const positions = positionsFor(dictionary, prompt.length);
      const rows = vectorsAt(ops, model, input, stream, positions, "d_in");
      return { x: dictionary.centred ? ops.center(rows, "d_in") : rows, stream, value };
    }),
  );
}

/** The features that are active in one of the runs, in rising order; the first where none is. */
async function activeIn<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
  runs: readonly PromptRun<T>[],
): Promise<number[]> {
  const active = new Set<number>();
  for (const { x } of runs) {
    for (const feature of (await encode(engine, dictionary, x)).indices) active.add(feature);
  }
  return active.size === 0 ? [0] : [...active].sort((a, b) => a - b);
}

function replacedAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  { dictionary, block: place, value: site }: Placed<T>,
  {
    runs,
    chosen,
    length,
  }: {
    readonly runs: readonly PromptRun<T>[];
    readonly chosen: readonly number[] | undefined;
    readonly length: number;
  },
): Replaced<T> {
  const mlp = blocksOf(model).find(({ name }) => name === place?.name) as MlpBlock<T>; // its place is an MLP's
  const own = chosen === undefined ? dictionary : onlyFeatures(ops, dictionary, chosen);
  const { mask, b_dec } = coveredBy(ops, own, positionsFor(dictionary, length), length);
  const without = replacedMlp(ops, mlp, own, { mask, b_out: b_dec });
  const normed = withWriteNorm(mlp, without, site).writeNorm !== undefined;
  const bias = ops.rename(own.b_dec, { d_out: "d_model" });
  const units = normed ? withBiasUnit(ops, without, bias) : without;
  const blocks = runs.map(({ stream, value }) => {
    const error = ops.sub(value, blockWrite(ops, without, stream, plainSites<T>()));
    const block = withErrorUnits(ops, units, ops.arrange(error, ["pos", "d_model"]));
    return withWriteNorm(mlp, block, site);
  });
  const features = unitNames(mlp.layer, dictionary, chosen);
  const before = features.count + (normed ? 1 : 0);
  const name = (index: number): string => {
    if (index < features.count) return features.name(index);
    return index < before ? `${mlp.name}.b_dec` : `${mlp.name}.error@${index - before}`;
  };
  return { layer: mlp.layer, name: mlp.name, blocks, names: { count: before + length, name } };
}

function promptRuns<T extends Shaped>(
  model: Model<T>,
  prompts: readonly (readonly number[])[],
  all: readonly Replaced<T>[],
): PromptRuns<T> {
  const models = prompts.map((_, i) => {
    const blocks = all.map(({ name, blocks }) => [name, blocks[i]] as const);
    const known = blocks.flatMap(([name, block]): [string, Block<T>][] =>
      block === undefined ? [] : [[name, block]],
    );
    return withBlocks(model, new Map(known));
  });
  const of = (prompt: readonly number[]): Model<T> => {
    const at = prompts.findIndex((one) => one.join() === prompt.join());
    const own = models[at];
    if (own !== undefined) return own;
    throw new InputError({
      code: "dictionary/no-prompt",
      message: `There is no model of the prompt [${prompt.slice(0, 8).join(", ")}${prompt.length > 8 ? ", …" : ""}].`,
      remedy: "Name every prompt that is run when the models are made.",
      details: { prompt },
    });
  };
  const level = featureLevel(
    new Map(all.map(({ layer, names }) => [layer, names])),
    model.architecture.layers,
    all.some(({ blocks }) => blocks.some(({ writeNorm }) => writeNorm !== undefined)),
  );
  return { model: { ...(models[0] as Model<T>), of }, level }; // there is a prompt
}

/** What a block holds that is not its model's. */
function ownOf<T>({ norm, writeNorm, ...own }: MlpBlock<T>): unknown {
  return own;
}
