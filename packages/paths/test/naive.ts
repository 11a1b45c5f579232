import type { Gate } from "@resolvent/expansion";
import { reference, type Shape, type Tensor } from "@resolvent/tensor";
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

const zeros = (shape: Shape): Tensor => reference.fill(shape, 0);

function got<V>(value: V | undefined): V {
  if (value === undefined) throw new Error("The run has no such value.");
  return value;
}
