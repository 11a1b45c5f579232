/** One merge of checkpoints in a folder. */
export interface MergeTask {
  /** A method of `@resolvent/merge`, or `copy`: the same bytes read and written. */
  readonly method: string;
  /** Holds a folder for each model. */
  readonly folder: string;
  /** The first is the base of methods that have one. */
  readonly models: readonly string[];
  readonly threads: number;
  /** What PyTorch computes in. */
  readonly precision: "float32" | "float64";
}

/** The value of each parameter that a method has. */
export const PARAMETERS = {
  weight: 0.5,
  t: 0.4,
  density: 0.5,
  gamma: 0.01,
  epsilon: 0.1,
  select_topk: 0.5,
} as const;

/** The tensor by which results are compared. */
export const COMPARED = "model.layers.0.self_attn.q_proj.weight";

interface Kind {
  readonly models: number;
  readonly base: boolean;
  readonly parameters: readonly (keyof typeof PARAMETERS)[];
}

const task = (...parameters: (keyof typeof PARAMETERS)[]): Kind => ({
  ...{ models: 3, base: true },
  parameters: ["weight", ...parameters],
});

/** What is measured. `passthrough` copies, and has nothing to be compared with. */
export const KINDS: Readonly<Record<string, Kind>> = {
  linear: { models: 2, base: false, parameters: ["weight"] },
  task_arithmetic: task(),
  slerp: { models: 2, base: true, parameters: ["t"] },
  nuslerp: { models: 2, base: false, parameters: ["weight"] },
  multislerp: { models: 3, base: false, parameters: ["weight"] },
  karcher: { models: 3, base: false, parameters: [] },
  ties: task("density"),
  dare_linear: task("density"),
  dare_ties: task("density"),
  breadcrumbs: task("density", "gamma"),
  breadcrumbs_ties: task("density", "gamma"),
  della_linear: task("density", "epsilon"),
  della: task("density", "epsilon"),
  model_stock: { models: 3, base: true, parameters: [] },
  sce: { models: 3, base: true, parameters: ["select_topk"] },
  arcee_fusion: { models: 2, base: true, parameters: [] },
  nearswap: { models: 2, base: true, parameters: ["t"] },
};

/** The configuration of a task. */
export function configOf({ method, models }: MergeTask): string {
  const kind = KINDS[method];
  if (kind === undefined) throw new Error(`There is no ${method}.`);
  const merged = kind.base ? models.slice(1) : models;
  return JSON.stringify({
    merge_method: method,
    ...(kind.base && { base_model: models[0] }),
    models: merged.map((model) => ({ model })),
    parameters: Object.fromEntries(kind.parameters.map((name) => [name, PARAMETERS[name]])),
  });
}
