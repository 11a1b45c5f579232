import { reference, type Shape, type Tensor, tensor } from "@resolvent/tensor";
import {
  type Block,
  blocksOf,
  blockWrite,
  type Model,
  plainSites,
  replacing,
  run,
  type Sites,
} from "@resolvent/transformer";
import type { Gate, Reference } from "../src/index.ts";

// The definitions of MATHS 2.1, one degree and one block at a time, with nothing of the package's own.

export type Tiny = Model<Tensor>;

const gateSites: Readonly<Record<Gate, readonly string[]>> = {
  pattern: ["*.attn.pattern"],
  norm: ["*.attn.norm", "*.mlp.norm", "*.query_norm", "*.key_norm", "*.post_norm", "*.write_norm"],
  activation: ["*.mlp.gate"],
};

/** Blocks run with the gates in `freeze` replaced by those of the run. */
export function frozenSites(
  model: Tiny,
  tokens: readonly number[],
  freeze: readonly Gate[],
): Sites<Tensor> {
  const { trace } = run(reference, model, tokens, { sites: freeze.flatMap((g) => gateSites[g]) });
  return replacing(plainSites<Tensor>(), Object.fromEntries(trace));
}

/** `x0`, `T` and `C_i` of a run. */
export function partsOf(
  model: Tiny,
  tokens: readonly number[],
): { x0: Tensor; T: Tensor; C: ReadonlyMap<string, Tensor> } {
  const { residual, trace } = run(reference, model, tokens, { sites: ["embed", "*.write"] });
  const C = blocksOf(model).map((block): [string, Tensor] => [
    block.name,
    got(trace.get(`${block.name}.write`)),
  ]);
  return { x0: got(trace.get("embed")), T: residual, C: new Map(C) };
}

/** `ref_i`: zeros, the mean over all positions of all prompts, or what another run writes. */
export function referenceOf(
  model: Tiny,
  choice: Reference,
  shape: Shape,
): (block: Block<Tensor>) => Tensor {
  if (choice.kind === "zero") return () => zeros(shape);
  if (choice.kind === "run") {
    const { C } = partsOf(model, choice.tokens);
    return (block) => got(C.get(block.name));
  }
  const runs = choice.prompts.map((tokens) => partsOf(model, tokens).C);
  const positions = choice.prompts.flat().length;
  const width = shape.d_model ?? 0;
  return (block) => {
    const mean = new Float64Array(width);
    for (const C of runs) {
      const { data } = got(C.get(block.name));
      for (let i = 0; i < data.length; i++) mean[i % width] = at(mean, i % width) + at(data, i);
    }
    const all = zeros(shape);
    return tensor(
      shape,
      all.data.map((_, i) => at(mean, i % width) / positions),
    );
  };
}

/** `T^(k)` for `k = 0 … degrees`: `C_i^(k) = f_i^F(x0 + Σ_{j∈pred(i)} C_j^(k−1))` from `C_i^(0) = ref_i`. */
export function naivePartials(
  model: Tiny,
  x0: Tensor,
  ref: (block: Block<Tensor>) => Tensor,
  sites: Sites<Tensor>,
  degrees: number,
): Tensor[] {
  const blocks = blocksOf(model);
  const stageOf = (block: Block<Tensor>): number =>
    [...model.stages].findIndex((stage) => stage.includes(block));
  let C = blocks.map(ref);
  const T = [added(x0, C)];
  for (let k = 1; k <= degrees; k++) {
    const before = C;
    C = blocks.map((block) => {
      const written = before.filter((_, j) => stageOf(got(blocks[j])) < stageOf(block));
      return blockWrite(reference, block, added(x0, written), sites);
    });
    T.push(added(x0, C));
  }
  return T;
}

/** A block path: its source, the blocks it goes through, and what it carries to the end. */
export interface BlockPath {
  readonly source: string;
  readonly blocks: readonly string[];
  /** Blocks on it, one more where its source is a block's constant. */
  readonly degree: number;
  readonly value: Tensor;
}

/** Every path of the frozen model, by enumeration: `A_{i_k} … A_{i_1}` of each source. */
export function allPaths(model: Tiny, x0: Tensor, sites: Sites<Tensor>): BlockPath[] {
  const zero = zeros(x0.shape);
  const constant = (block: Block<Tensor>): Tensor => blockWrite(reference, block, zero, sites);
  const linear = (block: Block<Tensor>, v: Tensor): Tensor =>
    reference.sub(blockWrite(reference, block, v, sites), constant(block));
  const onwards = (path: BlockPath, from: number): BlockPath[] => [
    path,
    ...[...model.stages].flatMap((stage, s) =>
      s < from
        ? []
        : stage.flatMap((block) => {
            const { source, blocks, degree } = path;
            const value = linear(block, path.value);
            const next = { source, blocks: [...blocks, block.name], degree: degree + 1, value };
            return onwards(next, s + 1);
          }),
    ),
  ];
  const ofConstants = [...model.stages].flatMap((stage, s) =>
    stage.flatMap((block) =>
      onwards({ source: block.name, blocks: [], degree: 1, value: constant(block) }, s + 1),
    ),
  );
  return [...onwards({ source: "embed", blocks: [], degree: 0, value: x0 }, 0), ...ofConstants];
}

export const zeros = (shape: Shape): Tensor => reference.fill(shape, 0);

export function added(first: Tensor, more: readonly Tensor[]): Tensor {
  return more.reduce((sum, part) => reference.add(sum, part), first);
}

export function sizeOfTensor({ data }: Tensor): number {
  return Math.hypot(...data);
}

/** One level of a stack by degree. */
export function degreeOf(stack: Tensor, k: number): Tensor {
  return reference.sum(reference.slice(stack, "degree", k, k + 1), ["degree"]);
}

function got<V>(value: V | undefined): V {
  if (value === undefined) throw new Error("The run has no such value.");
  return value;
}

const at = (data: Tensor["data"], i: number): number => data[i] ?? Number.NaN;
