import { InputError, type Shaped } from "@resolvent/tensor";
import {
  type Block,
  type Level,
  type LevelName,
  type Model,
  type Node,
  nodesNamed,
  nodesOf,
} from "@resolvent/transformer";
import { stagesOf } from "./frozen-run.ts";

/** A node that a path goes through, with its block; a path has at most one of a stage. */
export interface Step<T> extends Node {
  readonly weights: Block<T>;
}

/** The nodes that paths of a level go through, stage by stage. */
export function stepsOf<T extends Shaped>(
  model: Model<T>,
  level: LevelName | Level,
): readonly Step<T>[][] {
  const steps = nodesOf(model.architecture, level);
  return stagesOf(model).map((blocks, stage) =>
    blocks.flatMap((weights) =>
      (steps[stage] ?? [])
        .filter(({ block }) => block === weights.name)
        .map((node) => ({ ...node, weights })),
    ),
  );
}

/** The step of a name, in any spelling: a block, a head, a neuron, a node of the level; undefined where there is none. */
export function stepNamed<T extends Shaped>(
  model: Model<T>,
  name: string,
  level?: Level,
): Step<T> | undefined {
  const [node, ...others] = nodesNamed(model.architecture, name, level);
  if (node === undefined || others.length > 0) return undefined; // a layer is no step
  const weights = stagesOf(model)[node.stage]?.find((block) => block.name === node.block);
  if (weights === undefined || (isNeuron.test(node.name) && !hasNeurons(weights))) return undefined;
  return { ...node, weights };
}

const isNeuron = /^L\d+\.N\d+$/;

/** Units with thresholds are no neurons of the model: a dictionary's features stand in their place. */
function hasNeurons<T>(block: Block<T>): boolean {
  return block.kind === "mlp" && block.threshold === undefined;
}

/**
 * The same, where there has to be one.
 *
 * @throws InputError `paths/no-node`
 */
export function stepCalled<T extends Shaped>(
  model: Model<T>,
  name: string,
  level?: Level,
): Step<T> {
  const found = stepNamed(model, name, level);
  if (found !== undefined) return found;
  const known = stepsOf(model, "block").flatMap((stage) => stage.map((step) => step.name));
  throw new InputError({
    code: "paths/no-node",
    message: `${model.name} has no node "${name}".`,
    remedy: `Nodes are blocks (${known.slice(0, 2).join(", ")}, …), heads (L0.H0) and neurons (L0.N0), or of the level that is given (L0.F0 where a dictionary stands for an MLP), and final at the end of an edge.`,
    details: { got: name, blocks: known },
  });
}
