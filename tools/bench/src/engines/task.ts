/** The fields of a model of GPT-2's kind that give its sizes. */
export interface Gpt2Sizes {
  readonly model_type: "gpt2";
  readonly activation_function: "gelu_new";
  readonly layer_norm_epsilon: number;
  readonly n_layer: number;
  readonly n_head: number;
  readonly n_embd: number;
  readonly n_positions: number;
  readonly vocab_size: number;
}

/**
 * `batch` products of `rows × terms` by `terms × columns`, and the sum over the rows of each: so that the whole product is
 * made, and the time is not that of a browser which finds new pages for megabytes of results.
 */
export interface ProductTask {
  readonly kind: "product";
  readonly batch: number;
  readonly rows: number;
  readonly terms: number;
  readonly columns: number;
}

/** `forward`: the logits of all positions. `spectrum`: the sums by degree of the stream, all gates frozen. */
export interface ModelTask {
  readonly kind: "forward" | "spectrum";
  readonly config: Gpt2Sizes;
  readonly pos: number;
}

/** The `k` largest of `features` pre-activations of each of `rows` vectors of width `d`. */
export interface EncodeTask {
  readonly kind: "encode";
  readonly rows: number;
  readonly d: number;
  readonly features: number;
  readonly k: number;
}

/** What is measured: plain data, so that it goes to pages and processes. */
export type EngineTask = ProductTask | ModelTask | EncodeTask;

/** Multiplications with additions of a task, two operations each; undefined where no figure of speed is made of them. */
export function multiplications(task: EngineTask): number | undefined {
  return task.kind === "product" ? task.batch * task.rows * task.terms * task.columns : undefined;
}
