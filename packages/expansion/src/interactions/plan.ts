import {
  InternalError,
  type Precision,
  type Priced,
  priced,
  type Shaped,
  sizeOf,
} from "@resolvent/tensor";
import { type Model, type Parts, partWrites, plainSites, shapesOf } from "@resolvent/transformer";
import type { Player } from "./players.ts";

/** A part of what a stage writes that is there or not as a whole. */
export interface Unit {
  readonly block: string;
  /** The parts of the block that it consists of; undefined for the whole block. */
  readonly parts: readonly number[] | undefined;
  /** Whether what belongs to no part of the block belongs to it: to what always writes. */
  readonly constant: boolean;
  /** Its player; undefined where it always writes. */
  readonly player: number | undefined;
  /** Whether it is the player's first part: here sets without the player become sets with it. */
  readonly first: boolean;
}

/** How a model's runs by sets of players go: parts by stage, and how many runs go together. */
export interface Plan {
  readonly players: readonly Player[];
  /** The largest sets. */
  readonly order: number;
  readonly stages: readonly {
    readonly units: readonly Unit[];
    /** How many runs the stage's blocks can take at once. */
    readonly runs: number;
    /** What blocks are divided into, of those that are. */
    readonly parts: ReadonlyMap<string, Parts>;
  }[];
  /** The stage at which each player has its first part. */
  readonly firstStage: readonly number[];
  /** How many residual streams can be held at once. */
  readonly streams: number;
}

/** Numbers that a chunk's streams are copied to while it is divided: the chunk, its parts, what is written, their sum. */
const COPIES = 4;
/** Runs that are priced together. */
const SAMPLE = 4;

/**
 * The parts of every stage, and how many runs fit into memory.
 *
 * @param positions of the input
 * @param memory bytes at the peak of a stage
 */
export function planOf<T extends Shaped>(
  model: Model<T>,
  players: readonly Player[],
  order: number,
  positions: number,
  memory: number,
  precision: Precision,
): Plan {
  const owned = players.flatMap(({ nodes }, player) => nodes.map((node) => ({ ...node, player })));
  const firstStage = players.map(() => -1);
  const outline = shapesOf(model);
  const { architecture } = model;
  const { d_model } = architecture;
  const stages = [...outline.stages].map((stage, s) => {
    const divided = new Map<string, Parts>();
    const partOf = (unit: Omit<Unit, "first">): Unit => {
      const first = unit.player !== undefined && firstStage[unit.player] === -1;
      if (first && unit.player !== undefined) firstStage[unit.player] = s;
      return { ...unit, first };
    };
    const units = stage.flatMap(({ name: block, layer }): Unit[] => {
      const here = owned.filter((node) => node.block === block);
      const parts = here[0]?.part?.of; // those of a block are of one kind
      if (parts === undefined) {
        return [partOf({ block, parts: undefined, constant: false, player: here[0]?.player })];
      }
      divided.set(block, parts);
      const byPart = new Map(here.map((node) => [node.part?.index, node.player]));
      const count = parts.count(architecture, layer);
      const owners = Array.from({ length: count }, (_, i) => byPart.get(i));
      const of = (player: number | undefined): number[] =>
        owners.flatMap((owner, part) => (owner === player ? [part] : []));
      const own = [...new Set(owners)].filter((owner) => owner !== undefined);
      return [
        partOf({ block, parts: of(undefined), constant: true, player: undefined }),
        ...own.map((player) => partOf({ block, parts: of(player), constant: false, player })),
      ];
    });
    // Nothing frozen: what is frozen only takes less.
    const each = priced(precision, (ops) => {
      const read: Priced = { shape: { subset: SAMPLE, pos: positions, d_model }, bytes: 0 };
      return stage.map((block) =>
        partWrites(ops, divided.get(block.name), block, read, plainSites()),
      );
    }).peakBytes;
    return {
      units,
      parts: divided,
      runs: Math.max(1, Math.floor((memory * SAMPLE) / Math.max(each, 1))),
    };
  });
  const width = precision === "f64" ? 8 : 4;
  const stream = sizeOf({ pos: positions, d_model }) * width * COPIES;
  return {
    players,
    order,
    stages,
    firstStage,
    streams: Math.max(2, Math.floor(memory / stream)),
  };
}

/** The stage of a plan; one that is not there is our mistake. */
export function stageOf(plan: Plan, stage: number): Plan["stages"][number] {
  const found = plan.stages[stage];
  if (found === undefined) {
    throw new InternalError({
      code: "expansion/no-stage",
      message: `The plan has ${plan.stages.length} stages, not one numbered ${stage}.`,
    });
  }
  return found;
}
