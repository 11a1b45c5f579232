import {
  allSources,
  effects,
  frozenRun,
  logitReadout,
  type ReadoutEffects,
} from "@resolvent/paths";
import { type Engine, readNumber, type Shaped } from "@resolvent/tensor";
import {
  type Model,
  plainSites,
  type Target,
  targetValue,
  tokenIds,
  uncappedLogits,
} from "@resolvent/transformer";
import type { DictionaryRun } from "../expansion/expansion.ts";

/** What all paths through exactly so many blocks give a target. */
export interface DegreeParts {
  readonly degree: number;
  /** In the model itself, its MLPs linear with their gates held. */
  readonly model: number;
  /** With transcoders in the places of MLPs, their active sets held: the sum of the next three. */
  readonly replaced: number;
  readonly tokens: number;
  readonly errors: number;
  /** Biases of attention, encoders and decoders. */
  readonly biases: number;
}

/** A target by degree, of a model and of the same model in features. */
export interface TargetDegrees {
  readonly degrees: readonly DegreeParts[];
  /** `β W_U + b_U` of the target, which belongs to no path; with all of a column it is the target. */
  readonly constant: number;
  /** `max |Σ column + constant − target|` of both columns, relative to the largest number of either. */
  readonly certificate: number;
}

/**
 * A target by the number of blocks that its paths pass, of the model itself and of the model in which transcoders stand
 * for MLPs. In both an MLP is one block, so that degrees are of the same thing; both columns, each with the constant,
 * add up to the target, and they differ in what they call linear: the gates of an MLP's neurons, or the active set of a
 * transcoder.
 *
 * @param model the one that `made` was made of, without dictionaries
 */
export async function targetDegrees<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  made: DictionaryRun<T>,
  target: Target,
): Promise<TargetDegrees> {
  const ids = Array.from(made.run.ids.data);
  const own = engine.scope(() => {
    const run = frozenRun(engine, model, tokenIds(ids));
    const last = engine.slice(run.residual, "pos", run.positions - 1, run.positions);
    return {
      run,
      value: targetValue(engine, uncappedLogits(engine, model, last, plainSites<T>()), target),
      sources: allSources(engine, model, run),
      readout: logitReadout(engine, model, run, target),
      replaced: logitReadout(engine, made.model, made.run, target),
    };
  });
  try {
    const [whole] = await effects(engine, model, own.run, own.sources, [own.readout]);
    const [parts] = await effects(engine, made.model, made.run, made.sources, [own.replaced]);
    const length = model.stages.length + 1;
    const degrees = Array.from({ length }, (_, degree): DegreeParts => {
      const [tokens, errors, biases] = ["token", "error", "bias"].map((kind) =>
        sumAt(parts, degree, (name) => kindOf(name) === kind),
      ) as [number, number, number]; // of three
      return {
        degree,
        model: sumAt(whole, degree, () => true),
        ...{ replaced: tokens + errors + biases, tokens, errors, biases },
      };
    });
    const constant = parts?.constant ?? 0;
    const value = await readNumber(engine, own.value);
    return { degrees, constant, certificate: apart(degrees, constant, value) };
  } finally {
    engine.free(own);
  }
}

function apart(degrees: readonly DegreeParts[], constant: number, value: number): number {
  const columns = (["model", "replaced"] as const).map((name) => degrees.map((row) => row[name]));
  const off = columns.map((one) => Math.abs(one.reduce((sum, x) => sum + x, constant) - value));
  const largest = Math.max(Math.abs(value), ...columns.flat().map(Math.abs));
  return Math.max(...off) / (largest || 1);
}

function sumAt(
  of: ReadoutEffects | undefined,
  degree: number,
  counts: (source: string) => boolean,
): number {
  let sum = 0;
  for (const { name, byDegree } of of?.sources ?? []) {
    if (counts(name)) sum += byDegree[degree] ?? 0;
  }
  return sum;
}

/** Features are sources only of SAEs, and nodes here. */
function kindOf(source: string): "token" | "error" | "bias" {
  if (source.startsWith("embed")) return "token";
  return source.endsWith(".error") ? "error" : "bias";
}
