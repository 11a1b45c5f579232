import { InputError } from "@resolvent/tensor";
import {
  type Architecture,
  blockNames,
  checkHead,
  headName,
  headNamed,
} from "@resolvent/transformer";

/** Who plays: what writes or does not write, together, as one. Everything that no player has always writes. */
export type PlayerChoice =
  /** Every block. */
  | { readonly kind: "blocks" }
  /** Every layer, its blocks together. */
  | { readonly kind: "layers" }
  /** Every head, of one layer or of all; MLPs and `b_O` always write. */
  | { readonly kind: "heads"; readonly layer?: number }
  /** Each of `L0`, `L0.attn`, `L0.mlp`, `L0.H1`, or several joined by `+`. */
  | { readonly kind: "groups"; readonly groups: readonly string[] };

/** A player by what it has: whole blocks, and single heads. */
export interface Player {
  /** `L0.attn`, `L0`, `L0.H3`, or those of a group: `L0.attn+L1.H3`. */
  readonly name: string;
  readonly blocks: readonly string[];
  readonly heads: readonly { readonly block: string; readonly head: number }[];
}

/**
 * The players of a choice, in its order.
 *
 * @throws InputError `transformer/no-head`, `transformer/bad-head`, `expansion/bad-player`,
 *   `expansion/repeated-player` where a block or head would have two players
 */
export function playersOf(architecture: Architecture, choice: PlayerChoice): Player[] {
  const { layers, heads } = architecture;
  switch (choice.kind) {
    case "blocks":
      return blockNames(architecture).map((name) => ({ name, blocks: [name], heads: [] }));
    case "layers":
      return Array.from({ length: layers }, (_, layer) => named(architecture, `L${layer}`));
    case "heads": {
      if (choice.layer !== undefined) checkHead(architecture, { layer: choice.layer });
      const all = Array.from({ length: layers }, (_, layer) => layer);
      const chosen = choice.layer === undefined ? all : [choice.layer];
      return chosen.flatMap((layer) =>
        Array.from({ length: heads }, (_, head) => named(architecture, headName({ layer, head }))),
      );
    }
    case "groups": {
      const players = choice.groups.map((group) => {
        const parts = group.split("+").map((part) => named(architecture, part.trim()));
        return {
          name: parts.map(({ name }) => name).join("+"),
          blocks: parts.flatMap(({ blocks }) => blocks),
          heads: parts.flatMap((part) => part.heads),
        };
      });
      checkDisjoint(players);
      return players;
    }
  }
}

function named(architecture: Architecture, name: string): Player {
  const blocks = blockNames(architecture);
  if (blocks.includes(name)) return { name, blocks: [name], heads: [] };
  const place = headNamed(name);
  if (place !== undefined) {
    checkHead(architecture, place);
    const { layer, head } = place;
    return { name: headName(place), blocks: [], heads: [{ block: `L${layer}.attn`, head }] };
  }
  const layer = blocks.filter((block) => block.startsWith(`${name}.`));
  if (!/^L\d+$/.test(name) || layer.length === 0) {
    throw new InputError({
      code: "expansion/bad-player",
      message: `There is no "${name}" to play: the model has layers L0 to L${architecture.layers - 1}.`,
      remedy:
        "Name a layer (L0), a block (L0.attn), a head (L0.H1), or several joined by +, and separate groups by commas.",
      details: { got: name, blocks },
    });
  }
  return { name, blocks: layer, heads: [] };
}

function checkDisjoint(players: readonly Player[]): void {
  const seen = new Set<string>();
  const refuse = (what: string): never => {
    throw new InputError({
      code: "expansion/repeated-player",
      message: `${what} is named twice; it can have one player only.`,
      remedy: "Leave one of them out. A block's heads belong to it.",
      details: { got: players.map(({ name }) => name) },
    });
  };
  for (const { blocks } of players) {
    for (const block of blocks) {
      if (seen.has(block)) refuse(block);
      seen.add(block);
    }
  }
  for (const { heads } of players) {
    for (const { block, head } of heads) {
      const name = `${block.slice(0, -".attn".length)}.H${head}`;
      if (seen.has(block) || seen.has(name)) refuse(name);
      seen.add(name);
    }
  }
}
