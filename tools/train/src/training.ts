import {
  adjoint,
  type Engine,
  type Ids,
  InputError,
  type Ops,
  type Shaped,
  type SyncEngine,
} from "@resolvent/tensor";
import {
  assembleModel,
  type Model,
  nextTokenLoss,
  plainSites,
  residualStream,
  unembed,
} from "@resolvent/transformer";
import {
  type AdamWOptions,
  type AdamWState,
  adamWStart,
  adamWStep,
  squaredNorm,
} from "./adam-w.ts";
import type { Parameters } from "./parameters.ts";

export interface TrainOptions {
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: number;
  /** Highest learning rate; reached after `warmup` steps, then down along a cosine to a tenth. */
  readonly rate: number;
  readonly warmup: number;
  readonly adam: AdamWOptions;
  readonly signal?: AbortSignal;
  readonly onStep?: (report: StepReport) => void;
}

export interface StepReport {
  /** Counts from 1. */
  readonly step: number;
  /** Mean next-token loss of the batch before the step, nats. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly rate: number;
}

/** The loss on a batch and its gradients by all parameters, by this project's own adjoint. */
export function lossAndGradients<T extends Shaped>(
  engine: Engine<T>,
  config: Readonly<Record<string, unknown>>,
  parameters: Parameters<T>,
  ids: Ids,
): { loss: T; gradients: Parameters<T> } {
  return engine.scope(() => {
    const tape = adjoint(engine);
    const variables = new Map(
      [...parameters].map(([name, p]) => [name, tape.variable(p)] as const),
    );
    const model = assembled(tape, config, variables);
    const residual = residualStream(tape, model, ids, plainSites());
    const loss = nextTokenLoss(tape, unembed(tape, model, residual, plainSites()), ids);
    const gradients = tape.gradients(loss, engine.fill({}, 1), [...variables.values()]);
    const names = [...variables.keys()];
    return {
      loss: loss.primal,
      gradients: new Map(gradients.map((g, i): [string, T] => [names[i] as string, g])), // one for each variable
    };
  });
}

/** How far a training is: what it goes on from. */
export interface Trained<T> {
  /** Steps that were taken. */
  readonly step: number;
  readonly state: AdamWState<T>;
}

/** Trains parameters on batches; what comes back replaces what was given, which is freed. */
export function train<T extends Shaped>(
  engine: SyncEngine<T>,
  parameters: Parameters<T>,
  batches: Iterator<Ids>,
  options: TrainOptions,
): Parameters<T> {
  let at: Trained<T> = { step: 0, state: adamWStart(engine, parameters) };
  for (const next of trainSteps(engine, at, batches, options)) at = next;
  engine.free([at.state.first, at.state.second]);
  return at.state.parameters;
}

/**
 * The same step by step, from any step on: each state replaces the one before, which is freed. Where it ends early, the
 * last one is its caller's.
 *
 * @param batches from the first on: those of steps that were taken are passed over
 */
export function* trainSteps<T extends Shaped>(
  engine: SyncEngine<T>,
  start: Trained<T>,
  batches: Iterator<Ids>,
  options: TrainOptions,
): Generator<Trained<T>, void> {
  for (let step = 1; step <= start.step; step++) batches.next();
  let { state } = start;
  for (let step = start.step + 1; step <= options.steps; step++) {
    options.signal?.throwIfAborted();
    const batch = batches.next();
    if (batch.done === true) return;
    const before = state;
    const rate = rateAt(step, options);
    let report: StepReport | undefined;
    state = engine.scope(() => {
      const { loss, gradients } = lossAndGradients(
        engine,
        options.config,
        before.parameters,
        batch.value,
      );
      const number = (t: T): number => engine.read(t).data[0] ?? Number.NaN;
      const norm = Math.sqrt(number(squaredNorm(engine, gradients)));
      report = { step, loss: number(loss), gradientNorm: norm, rate };
      if (!Number.isFinite(report.loss) || !Number.isFinite(norm)) throw diverged(report);
      return adamWStep(engine, before, gradients, { step, rate, norm }, options.adam);
    });
    engine.free(before);
    if (report) options.onStep?.(report);
    yield { step, state };
  }
}

/** A model of the trained parameters, to be run. */
export function modelOf<T extends Shaped>(
  engine: Engine<T>,
  config: Readonly<Record<string, unknown>>,
  parameters: Parameters<T>,
): Model<T> {
  return engine.scope(() => assembled(engine, config, parameters));
}

/** A model that has just these parameters: a bias that is not among them is none. */
function assembled<T extends Shaped>(
  ops: Ops<T>,
  config: Readonly<Record<string, unknown>>,
  parameters: Parameters<T>,
): Model<T> {
  return assembleModel(ops, config, (name) => present(parameters, name), {
    has: (name) => parameters.has(name),
  });
}

function rateAt(step: number, { rate, warmup, steps }: TrainOptions): number {
  if (step <= warmup) return (rate * step) / warmup;
  const way = (step - warmup) / Math.max(1, steps - warmup);
  return rate * (0.1 + 0.45 * (1 + Math.cos(Math.PI * way)));
}

function present<T>(tensors: ReadonlyMap<string, T>, name: string): T {
  const found = tensors.get(name);
  if (found !== undefined) return found;
  throw new InputError({
    code: "train/missing-parameter",
    message: `There is no parameter ${name}, got ${tensors.size} others.`,
    remedy: "Start from the parameters that `freshParameters` makes for this config.",
    details: { name },
  });
}

function diverged(report: StepReport): InputError {
  return new InputError({
    code: "train/diverged",
    message: `Step ${report.step}: loss ${report.loss}, gradient norm ${report.gradientNorm}.`,
    remedy: "Lower the learning rate or warm up longer.",
    details: { ...report },
  });
}
