import { type Engine, onceMade, type Shaped, type Tensor } from "@resolvent/tensor";
import {
  type Ablation,
  ablatedSites,
  type Intervention,
  type Model,
  meanValues,
  runValues,
  type SiteName,
  type Steering,
} from "@resolvent/transformer";

/** A head by layer and index: `L0.H3`. */
export type HeadName = `L${number}.H${number}`;

/** A block, or a layer: `L0.attn`, `L0.mlp`, `L0`. */
export type BlockName = `L${number}.attn` | `L${number}.mlp` | `L${number}`;

/** A neuron by layer and index: `L0.N12`. */
export type NeuronName = `L${number}.N${number}`;

/** A text or token ids. */
type Prompt = string | readonly number[];

/** What an ablated node writes instead. */
export type AblationReference =
  /** Nothing. */
  | "zero"
  /** What it writes in the mean over all positions of the text that is run, each row for itself, without interventions. */
  | "mean"
  /** What it writes in the mean over all positions of these texts, without interventions. */
  | { readonly mean: readonly Prompt[] }
  /** What it writes at the same position in a run on this text, of as many tokens, without interventions. */
  | { readonly run: Prompt };

/** What is taken out of a model. */
export interface Ablate {
  readonly heads?: readonly HeadName[];
  /** With their biases. */
  readonly blocks?: readonly BlockName[];
  readonly neurons?: readonly NeuronName[];
  /** Where; −1 is the last. Default: everywhere. */
  readonly positions?: readonly number[];
  /** What they write instead; default `zero`. */
  readonly with?: AblationReference;
}

/** How a vector is added. */
export interface Steer {
  /** What it is multiplied with; default 1. */
  readonly scale?: number;
  /** Where; −1 is the last. Default: everywhere. */
  readonly positions?: readonly number[];
}

/** What a text is run with, once its tokens are known. */
export type Change<T extends Shaped> = (
  engine: Engine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
) => Promise<Intervention>;

/** Steering, whatever is run. */
export function steerChange<T extends Shaped>(
  site: SiteName,
  vector: ArrayLike<number>,
  options: Steer,
): { readonly steering: Steering; readonly change: Change<T> } {
  const steering = { site, vector, ...options };
  return { steering, change: async () => steering };
}

/**
 * An ablation as a change. What it needs of the model is asked for when it is first run, and kept.
 *
 * @param encode texts as token ids
 */
export function ablateChange<T extends Shaped>(
  what: Ablate,
  encode: (prompt: Prompt) => readonly number[],
): { readonly ablation: Ablation; readonly change: Change<T> } {
  const { heads = [], blocks = [], neurons = [], positions, with: reference = "zero" } = what;
  const ablation: Ablation = {
    nodes: [...blocks, ...heads, ...neurons],
    ...(positions !== undefined && { positions }),
  };
  if (reference === "zero") return { ablation, change: async () => ablation };
  const sites = (model: Model<T>): string[] => ablatedSites(model.architecture, ablation.nodes);
  if (reference === "mean") {
    const change: Change<T> = async (engine, model, rows) => {
      const each: ReadonlyMap<string, Tensor>[] = [];
      for (const row of rows) each.push(await meanValues(engine, model, sites(model), [row]));
      return { ...ablation, values: stacked(each) };
    };
    return { ablation, change };
  }
  const values = onceMade(
    async (engine: Engine<T>, model: Model<T>): Promise<ReadonlyMap<string, Tensor>> =>
      "run" in reference
        ? await runValues(engine, model, sites(model), encode(reference.run))
        : await meanValues(engine, model, sites(model), reference.mean.map(encode)),
  );
  const change: Change<T> = async (engine, model) => ({
    ...ablation,
    values: await values(engine, model),
  });
  return { ablation, change };
}

/** The same values of several rows along `batch`; of one row as they are. */
function stacked(rows: readonly ReadonlyMap<string, Tensor>[]): ReadonlyMap<string, Tensor> {
  const [first = new Map<string, Tensor>(), ...more] = rows;
  if (more.length === 0) return first;
  const sites = [...first].map(([site, { shape }]): [string, Tensor] => {
    const data = rows.flatMap((row) => Array.from(row.get(site)?.data ?? []));
    return [site, { shape: { batch: rows.length, ...shape }, data: Float64Array.from(data) }];
  });
  return new Map(sites);
}
