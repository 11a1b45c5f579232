import { effects, type Readout, type SourceId, type Sources, stepNamed } from "@resolvent/paths";
import {
  affineReadout,
  type Engine,
  InputError,
  type Ops,
  readTogether,
  type Shaped,
} from "@resolvent/tensor";
import {
  affine,
  blocksOf,
  frozenAt,
  heldAt,
  type MlpBlock,
  type Model,
  mapBlock,
  nodeWrite,
  normalize,
  normedRead,
  plainSites,
  recording,
  replacing,
  residualStream,
  type Site,
  type Sites,
  upToStage,
  within,
} from "@resolvent/transformer";
import type { DictionaryRun } from "./expansion.ts";

/** A feature of a replaced MLP at a position. */
export interface FeaturePlace {
  readonly layer: number;
  readonly feature: number;
  readonly position: number;
}

/**
 * A feature's pre-activation as the end of paths: its row of the encoder, through the norm with σ held. What paths from
 * all sources give it, and the constant (`b_enc`, and β through the encoder), are `z`.
 *
 * @throws InputError `dictionary/no-feature`
 */
export function featureReadout<T extends Shaped>(
  ops: Ops<T>,
  { model, run, level }: DictionaryRun<T>,
  place: FeaturePlace,
): Readout<T> {
  const { layer, feature, position } = place;
  const step = stepNamed(model, `L${layer}.F${feature}`, level);
  if (
    step === undefined ||
    !(Number.isInteger(position) && position >= 0 && position < run.positions)
  ) {
    throw new InputError({
      code: "dictionary/no-feature",
      message: `There is no feature ${feature} of L${layer}.mlp at position ${position}: the run has ${run.positions} positions.`,
      remedy: "Name a feature of an MLP that a transcoder replaces, and a position counted from 0.",
      details: { ...place, positions: run.positions },
    });
  }
  const { norm, lanes, inputNorm, W_in, b_in, name } = step.weights as MlpBlock<T>; // only MLPs have features
  const unit = (x: T): T => ops.slice(x, "d_mlp", feature, feature + 1);
  return ops.scope(() => {
    const own = {
      ...{ kind: "mlp" as const, name, layer, activation: "relu" as const, W_out: W_in },
      ...(norm && { norm }),
      ...(lanes && { lanes }),
      ...(inputNorm && { inputNorm }),
      ...{ W_in: unit(W_in), ...(b_in && { b_in: unit(b_in) }) },
    };
    const read = <V extends Shaped>(on: Ops<V>, fixed: (value: T) => V, stream: V): V => {
      const block = mapBlock(own, fixed) as MlpBlock<V>; // it stays of its kind
      const at = (gate: T): T => ops.slice(gate, "pos", position, position + 1);
      const sites = within(
        heldAt(run.gates, (gate) => fixed(at(gate))),
        name,
      );
      const seen = normedRead(on, block, stream, sites);
      const normed = normalize(on, block.inputNorm, seen, "d_model", sites, "input_norm");
      return on.sum(affine(on, normed, { W: block.W_in, b: block.b_in }, ["d_model"]), ["pos"]);
    };
    const { d_model } = model.architecture;
    const direction = ops.constant({ d_mlp: 1 }, [1]);
    const { covector, constant } = affineReadout(ops, { pos: 1, d_model }, direction, read);
    return {
      name: `${step.name}@${position}`,
      before: step.stage,
      covector: { values: ops.join(covector, ["pos", "d_model"], "d_model"), at: position },
      constant,
    };
  });
}

/** What is changed: a source, or what a node writes, at all positions or at one, to `times` of what it was. */
export type Change =
  | { readonly kind: "source"; readonly source: SourceId; readonly times?: number }
  | {
      readonly kind: "node";
      readonly node: string;
      readonly position?: number;
      readonly times?: number;
    };

/** What a change does to a feature's pre-activation: its value in the run less its value with it. */
export interface FeatureVerdict {
  /** By the frozen expansion. */
  readonly predicted: number;
  /** Measured with all gates at the run's values: equal but for rounding. */
  readonly frozen: number;
  /** Measured with every gate recomputed. */
  readonly live: number;
}

/**
 * Checks what a source or a node does to a feature by taking it away, or by leaving `times` of it (0 where not said).
 *
 * @throws InputError `dictionary/no-feature`, `dictionary/no-source`
 */
export async function verifyFeature<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
  place: FeaturePlace,
  change: Change,
): Promise<FeatureVerdict> {
  const { model, live, run } = made;
  const own = engine.scope(() => {
    const readout = featureReadout(engine, made, place);
    const missing = missingOf(engine, made, change);
    const measure = (on: Model<T>, sites: Sites<T>, tokens: typeof run.ids): T => {
      const before = upToStage(on, readout.before + 1);
      const pre = `L${place.layer}.mlp.pre`;
      const value = (replace: Parameters<typeof replacing<T>>[1]): T => {
        const trace = new Map<Site, T>();
        const recorded = recording(replacing(sites, replace), (site) => site === pre, trace);
        residualStream(engine, before, tokens, recorded);
        const at = engine.slice(trace.get(pre) as T, "pos", place.position, place.position + 1); // it is passed
        return engine.sum(engine.slice(at, "d_mlp", place.feature, place.feature + 1), [
          "pos",
          "d_mlp",
        ]);
      };
      const less = engine.sum(missing.values, ["source"]);
      return engine.sub(value({}), value({ [missing.site]: (x: T): T => engine.sub(x, less) }));
    };
    return {
      readout,
      missing,
      frozen: measure(model, frozenAt(run.gates), run.ids),
      live: measure(live, plainSites<T>(), run.ids),
    };
  });
  try {
    const [found] = await effects(engine, model, run, [own.missing], [own.readout]);
    const sums = found?.sources.flatMap(({ byDegree }) => byDegree) ?? [];
    const [[frozen = Number.NaN], [anew = Number.NaN]] = await readTogether(engine, [
      own.frozen,
      own.live,
    ]);
    return { predicted: sums.reduce((a, b) => a + b, 0), frozen, live: anew };
  } finally {
    engine.free(own);
  }
}

/** What a change takes away, as a source of its own. */
function missingOf<T extends Shaped>(
  ops: Ops<T>,
  { model, run, sources, level }: DictionaryRun<T>,
  change: Change,
): Sources<T> & { readonly site: Site } {
  const { times = 0 } = change;
  const only = (values: T, position: number | null | undefined): T => {
    const scaled = ops.scale(values, 1 - times);
    if (position === null || position === undefined) return scaled;
    const numbers = Array.from({ length: run.positions }, (_, at) => (at === position ? 1 : 0));
    return ops.mul(scaled, ops.constant({ pos: run.positions }, numbers));
  };
  const as = (
    name: string,
    enters: number,
    site: Site,
    values: T,
  ): Sources<T> & { site: Site } => ({
    ...{ names: [name], enters, site, degree: 0, byPosition: false },
    values: ops.arrange(values, ["source", "pos", "d_model"]),
  });
  if (change.kind === "node") {
    const step = stepNamed(model, change.node, level);
    if (step !== undefined) {
      const { weights, stage, name } = step;
      const read = readBefore(ops, model, run, stage);
      const written = nodeWrite(ops, step, weights, read, frozenAt(run.gates));
      const values = ops.broadcast(only(written, change.position), { source: 1 });
      return as(name, stage + 1, `${weights.name}.write`, values);
    }
    throw noSource(change.node);
  }
  const { name, position } = change.source;
  const group = sources.find(({ names, site }) => site !== undefined && names.includes(name));
  if (group?.site === undefined) throw noSource(name);
  const at = group.names.indexOf(name);
  const values = only(ops.slice(group.values, "source", at, at + 1), position);
  return as(name, group.enters, group.site, values);
}

function readBefore<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: DictionaryRun<T>["run"],
  stage: number,
): T {
  const earlier = blocksOf(upToStage(model, stage));
  return earlier.reduce(
    (sum, { name }) => ops.add(sum, run.writes.get(name) as T), // every block writes
    run.embedding,
  );
}

function noSource(name: string): InputError {
  return new InputError({
    code: "dictionary/no-source",
    message: `The dictionaries of this run have no source or node "${name}".`,
    remedy: "Sources are L2.mlp.after.F18, L2.mlp.after.error, L3.mlp.b_enc; nodes L3.F52, L3.H0.",
    details: { name },
  });
}
