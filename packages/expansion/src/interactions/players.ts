import { InputError } from "@resolvent/tensor";
import {
  type Architecture,
  checkHead,
  type Level,
  type LevelName,
  levelOf,
  type Node,
  nodesNamed,
  nodesOf,
} from "@resolvent/transformer";

/** Who plays: what writes or does not write, together, as one. Everything that no player has always writes. */
export type PlayerChoice =
  /** Every block. */
  | { readonly kind: "blocks" }
  /** Every layer, its blocks together. */
  | { readonly kind: "layers" }
  /** Every head, of one layer or of all; MLPs and `b_O` always write. */
  | { readonly kind: "heads"; readonly layer?: number }
  /** The parts of blocks that a level tells apart, of one layer or of all; whole blocks, and what is of no part, always write. */
  | { readonly kind: "parts"; readonly level: LevelName | Level; readonly layer?: number }
  /** Each of `L0`, `L0.attn`, `L0.mlp`, `L0.H1`, `L0.N12`, a part of a level, or several joined by `+`. */
  | { readonly kind: "groups"; readonly groups: readonly string[]; readonly level?: Level };

/** A player by what it has. */
export interface Player {
  /** `L0.attn`, `L0`, `L0.H3`, or those of a group: `L0.attn+L1.H3`. */
  readonly name: string;
  readonly nodes: readonly Node[];
}

/**
 * The players of a choice, in its order.
 *
 * @throws InputError `transformer/no-head`, `transformer/no-node`, `expansion/bad-player`,
 *   `expansion/repeated-player` where a block or a part of one would have two players
 */
export function playersOf(architecture: Architecture, choice: PlayerChoice): Player[] {
  const alone = (node: Node): Player => ({ name: node.name, nodes: [node] });
  switch (choice.kind) {
    case "blocks":
      return nodesOf(architecture, "block").flat().map(alone);
    case "layers":
      return Array.from({ length: architecture.layers }, (_, layer) =>
        named(architecture, `L${layer}`),
      );
    case "heads":
    case "parts": {
      const { layer } = choice;
      if (layer !== undefined) checkHead(architecture, { layer });
      const level = levelOf(choice.kind === "heads" ? "head" : choice.level);
      const parts = nodesOf(architecture, level).flat();
      return parts
        .filter(({ part, block }) => {
          return part !== undefined && (layer === undefined || block?.startsWith(`L${layer}.`));
        })
        .map(alone);
    }
    case "groups": {
      const players = choice.groups.map((group): Player => {
        const parts = group
          .split("+")
          .map((part) => named(architecture, part.trim(), choice.level));
        return {
          name: parts.map(({ name }) => name).join("+"),
          nodes: parts.flatMap(({ nodes }) => nodes),
        };
      });
      checkDisjoint(players);
      return players;
    }
  }
}

function named(architecture: Architecture, name: string, level?: Level): Player {
  const nodes = nodesNamed(architecture, name, level);
  const [first] = nodes;
  if (first === undefined) {
    throw new InputError({
      code: "expansion/bad-player",
      message: `There is no "${name}" to play: the model has layers L0 to L${architecture.layers - 1}.`,
      remedy:
        "Name a layer (L0), a block (L0.attn), a head (L0.H1), a neuron (L0.N12), or several joined by +, and separate groups by commas.",
      details: {
        got: name,
        blocks: nodesOf(architecture, "block")
          .flat()
          .map((node) => node.name),
      },
    });
  }
  // A layer keeps its name; a head gets the one that outputs have.
  return { name: /^L\d+$/.test(name) ? name : first.name, nodes };
}

function checkDisjoint(players: readonly Player[]): void {
  const all = players.flatMap(({ nodes }) => nodes);
  for (const [i, node] of all.entries()) {
    const { name, block, part } = node;
    const before = all.slice(0, i).filter((other) => other.block === block);
    const twice = before.some((other) => other.name === name || !other.part || !part);
    if (!twice && before.every((other) => other.part?.of === part?.of)) continue;
    throw new InputError({
      code: "expansion/repeated-player",
      message: twice
        ? `${name} is named twice; it can have one player only.`
        : `${block} is divided in two ways: ${before[0]?.name} and ${name} are parts of different kinds.`,
      remedy: "Leave one of them out. A block's heads belong to it.",
      details: { got: players.map((player) => player.name) },
    });
  }
}
