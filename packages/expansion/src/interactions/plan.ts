import {
  InternalError,
  type Precision,
  type Priced,
  priced,
  type Shaped,
  sizeOf,
} from "@resolvent/tensor";
import { type Model, plainSites, shapesOf } from "@resolvent/transformer";
import type { Player } from "./players.ts";
import { stageWrites } from "./stage-writes.ts";

/** A part of what a stage writes that is there or not as a whole. */
export interface Unit {
  readonly block: string;
  /** The block's heads that it consists of; undefined for the whole block. */
  readonly heads: readonly number[] | undefined;
  /** Whether the block's `b_O` belongs to it: to what always writes. */
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
    /** Blocks that are run head by head. */
    readonly byHead: ReadonlySet<string>;
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
  const ownerOf = new Map(players.flatMap((p, i) => p.blocks.map((block) => [block, i] as const)));
  const headOwner = new Map(
    players.flatMap((p, i) => p.heads.map(({ block, head }) => [`${block} ${head}`, i] as const)),
  );
  const firstStage = players.map(() => -1);
  const outline = shapesOf(model);
  const { heads, d_model } = model.architecture;
  const stages = [...outline.stages].map((stage, s) => {
    const byHead = new Set<string>();
    const partOf = (unit: Omit<Unit, "first">): Unit => {
      const first = unit.player !== undefined && firstStage[unit.player] === -1;
      if (first && unit.player !== undefined) firstStage[unit.player] = s;
      return { ...unit, first };
    };
    const units = stage.flatMap(({ name: block }): Unit[] => {
      const owners = Array.from({ length: heads }, (_, head) => headOwner.get(`${block} ${head}`));
      if (owners.every((owner) => owner === undefined)) {
        const player = ownerOf.get(block);
        return [partOf({ block, heads: undefined, constant: false, player })];
      }
      byHead.add(block);
      const of = (player: number | undefined): number[] =>
        owners.flatMap((owner, head) => (owner === player ? [head] : []));
      const own = [...new Set(owners)].filter((owner) => owner !== undefined);
      return [
        partOf({ block, heads: of(undefined), constant: true, player: undefined }),
        ...own.map((player) => partOf({ block, heads: of(player), constant: false, player })),
      ];
    });
    // Nothing frozen: what is frozen only takes less.
    const each = priced(precision, (ops) => {
      const read: Priced = { shape: { subset: SAMPLE, pos: positions, d_model }, bytes: 0 };
      return stageWrites(ops, stage, read, byHead, plainSites());
    }).peakBytes;
    return { units, byHead, runs: Math.max(1, Math.floor((memory * SAMPLE) / Math.max(each, 1))) };
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
