/** A method, under mergekit's name. */
export type MethodName =
  | "linear"
  | "slerp"
  | "nuslerp"
  | "multislerp"
  | "karcher"
  | "task_arithmetic"
  | "ties"
  | "dare_linear"
  | "dare_ties"
  | "breadcrumbs"
  | "breadcrumbs_ties"
  | "della"
  | "della_linear"
  | "model_stock"
  | "sce"
  | "arcee_fusion"
  | "nearswap"
  | "passthrough";

/** What a parameter of a method is. */
export interface ParameterSpec {
  readonly kind: "number" | "flag" | "count";
  /** One value for an output tensor, or one for each input of it. */
  readonly per: "output" | "input";
  /** Absent where there is none and the parameter must be given; null where nothing is done without it. */
  readonly default?: number | boolean | null;
  /** Smallest and largest value; absent where any number has a meaning. */
  readonly range?: readonly [least: number, most: number];
}

/** How a method takes its inputs, and its parameters. */
export interface MethodSpec {
  /**
   * `input`: the base is one of the inputs, if it is listed; `first`: it is where t is 0; `apart`: what is merged are
   * differences from it; `maybe`: the same, where there is one.
   */
  readonly base: "input" | "first" | "apart" | "maybe";
  /** Fewest and most models, without the base where that is not `input`. */
  readonly inputs: readonly [least: number, most: number];
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
}

const output = (
  kind: ParameterSpec["kind"],
  value?: number | boolean,
  range?: ParameterSpec["range"],
): ParameterSpec => ({
  kind,
  per: "output",
  ...(value !== undefined && { default: value }),
  ...(range && { range }),
});
const input = (value?: number | null, range?: ParameterSpec["range"]): ParameterSpec => ({
  kind: "number",
  per: "input",
  ...(value !== undefined && { default: value }),
  ...(range && { range }),
});

/** Of shares, lengths and bounds: none is below zero. */
const FROM_ZERO = [0, Number.POSITIVE_INFINITY] as const;

/** Of iterations: a mean that has not settled by then never will, and each takes a pass over every model's tensor. */
const ITERATIONS = [0, 10_000] as const;

const weight = input();

function ofTasks(
  normalize: boolean,
  rescale: boolean,
  more: Readonly<Record<string, ParameterSpec>> = {},
): MethodSpec {
  return {
    base: "apart",
    inputs: atLeastOne,
    parameters: {
      weight,
      density: input(1),
      ...more,
      normalize: output("flag", normalize),
      rescale: output("flag", rescale),
      lambda: output("number", 1),
      int8_mask: output("flag", false),
    },
  };
}

const gamma = { gamma: input(0.01, FROM_ZERO) };
const epsilon = { epsilon: input(0.15) };
const atLeastOne = [1, Number.POSITIVE_INFINITY] as const;

/** What each method takes; sources stand with the functions of `@resolvent/merge/methods`. */
export const METHODS: Readonly<Record<MethodName, MethodSpec>> = {
  linear: {
    base: "input",
    inputs: atLeastOne,
    parameters: { weight, normalize: output("flag", true) },
  },
  slerp: { base: "first", inputs: [1, 1], parameters: { t: output("number") } },
  nuslerp: {
    base: "maybe",
    inputs: [2, 2],
    parameters: {
      weight,
      nuslerp_flatten: output("flag", true),
      nuslerp_row_wise: output("flag", false),
    },
  },
  multislerp: {
    base: "maybe",
    inputs: atLeastOne,
    parameters: {
      weight,
      normalize_weights: output("flag", true),
      eps: output("number", 1e-8, FROM_ZERO),
    },
  },
  karcher: {
    base: "input",
    inputs: atLeastOne,
    parameters: {
      max_iter: output("count", 10, ITERATIONS),
      tol: output("number", 1e-5, FROM_ZERO),
    },
  },
  task_arithmetic: ofTasks(false, false),
  ties: ofTasks(true, false),
  dare_linear: ofTasks(false, true),
  dare_ties: ofTasks(false, true),
  breadcrumbs: ofTasks(false, false, gamma),
  breadcrumbs_ties: ofTasks(false, false, gamma),
  della: ofTasks(true, true, epsilon),
  della_linear: ofTasks(false, true, epsilon),
  model_stock: {
    base: "apart",
    inputs: [2, Number.POSITIVE_INFINITY],
    parameters: { filter_wise: output("flag", false) },
  },
  sce: {
    base: "apart",
    inputs: atLeastOne,
    parameters: { int8_mask: output("flag", false), select_topk: output("number", 1, FROM_ZERO) },
  },
  arcee_fusion: { base: "apart", inputs: [1, 1], parameters: {} },
  nearswap: { base: "apart", inputs: [1, 1], parameters: { t: output("number") } },
  passthrough: { base: "input", inputs: [1, 1], parameters: { scale: input(null) } },
};

/** Methods of mergekit that are known and left out. */
export const LEFT_OUT: readonly string[] = ["ram", "ramplus_tl"];

/** Every parameter that some method has: one that is none of these is a mistake. */
export const PARAMETERS: ReadonlySet<string> = new Set(
  Object.values(METHODS).flatMap(({ parameters }) => Object.keys(parameters)),
);

/** Whether a word names a method. */
export function isMethod(word: string): word is MethodName {
  return Object.hasOwn(METHODS, word);
}
