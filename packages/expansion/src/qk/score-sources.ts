import { InputError, type Ops, type Shaped, sizeAlong, sumOf } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  constantOf,
  everyPart,
  frozenAt,
  hasBiases,
  type Level,
  levelOf,
  type Model,
  nodesOf,
  partWrites,
  residualStream,
  type Stages,
  tokenIds,
  withoutBiases,
} from "@resolvent/transformer";
import { sweep } from "../sweep.ts";
import { kept, type ScoreRun } from "./score-run.ts";

/**
 * How the stream that a head reads is divided into sources:
 *
 * | splitting | sources | earlier blocks |
 * |---|---|---|
 * | `block` | `embed.token`, `embed.position` (or `embed`), every earlier block's write | as in the run |
 * | `head` | the same, attention blocks by head: `L0.H3`, and `bias:L0.attn.b_O` | as in the run |
 * | `neuron` | the same, MLPs by neuron: `L0.N12`, and `bias:L0.mlp.b_out` | as in the run |
 * | a level of one's own | the same, blocks by its nodes | as in the run |
 * | `degree` | `degree 0`, `degree 1`, …: the terms `D_k` of the path expansion before the layer | frozen |
 * | `degree-block` | what every earlier block writes at each degree: `L0.mlp degree 2` | frozen |
 * | `token` | each prompt token's embedding, `embed.token@3` (or `embed@3`), carried on by the frozen blocks without their constants; `embed.position`; `bias`, all constants | frozen |
 *
 * The sources of a splitting add up to the stream. The head's own constant (norm β, query and key biases) comes
 * after them, as `constant`.
 */
export type Splitting = "block" | "head" | "neuron" | "degree" | "degree-block" | "token";

/** Every splitting. */
export const SPLITTINGS: readonly Splitting[] = [
  "block",
  "head",
  "neuron",
  "degree",
  "degree-block",
  "token",
];

/** Parts of the stream that a head reads, however they were made: they add up to it. */
export interface StreamParts<T> {
  /** What the splitting is called. */
  readonly name: string;
  readonly names: readonly string[];
  /** `source, pos, d_model`: at least the positions up to the query. */
  readonly stack: T;
}

/** Throws `expansion/unknown-splitting`. */
export function checkSplitting<T>(
  name: string | Level | StreamParts<T>,
): Splitting | Level | StreamParts<T> {
  if (typeof name !== "string") return name;
  const known = SPLITTINGS.find((splitting) => splitting === name);
  if (known !== undefined) return known;
  throw new InputError({
    code: "expansion/unknown-splitting",
    message: `There is no splitting "${name}".`,
    remedy: `Sources are split by ${SPLITTINGS.join(", ")}.`,
    details: { got: name, splittings: SPLITTINGS },
  });
}

/** Some of the sources of a stream. */
export interface Sources<T> {
  readonly names: readonly string[];
  /** `source, pos, d_model` */
  readonly stack: T;
}

/** Streams of tokens are carried on together up to this many numbers of the widest layer (256 MiB in float32). */
const NUMBERS_AT_ONCE = 2 ** 26;

/** The sources of a splitting in pieces, each to be made when it is needed. */
export function sourcePieces<T extends Shaped>(
  ops: Ops<T>,
  run: ScoreRun<T>,
  by: Splitting | Level | StreamParts<T>,
): readonly (() => Sources<T>)[] {
  if (typeof by === "object" && "stack" in by) {
    const { names, stack } = by;
    return [() => ({ names, stack: ops.slice(stack, "pos", 0, run.tokens.length) })];
  }
  if (by === "degree") return [() => degrees(ops, run)];
  if (by === "degree-block") return [() => blocksByDegree(ops, run)];
  if (by === "token") return tokenPieces(ops, run);
  return [() => written(ops, run, levelOf(by))];
}

/** The embedding's parts, each with its name. */
function embeddings<T>({ trace }: ScoreRun<T>): (readonly [string, T])[] {
  const parts = ["embed.token", "embed.position"].flatMap((name) => {
    const part = trace.get(name);
    return part === undefined ? [] : [[name, part] as const];
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? [["embed", only[1]]] : parts;
}

/** What embedding, blocks or parts of blocks wrote in the run. */
function written<T extends Shaped>(ops: Ops<T>, run: ScoreRun<T>, level: Level): Sources<T> {
  const names: string[] = [];
  const stacks: T[] = [];
  const push = (name: string, x: T): void => {
    names.push(name);
    stacks.push(ops.broadcast(x, { source: 1 }));
  };
  for (const [name, part] of embeddings(run)) push(name, part);
  const nodes = nodesOf(run.before.architecture, level).flat();
  for (const stage of run.before.stages) {
    for (const block of stage) {
      const parts = level[block.kind];
      if (parts === undefined) {
        push(block.name, kept(run, `${block.name}.write`));
        continue;
      }
      const read = kept(run, `${block.name}.read`);
      const made = partWrites(ops, parts, block, read, frozenAt(run.gates));
      const each = ops.arrange(everyPart(ops, made), ["node", "pos", "d_model"]);
      names.push(...nodes.flatMap((node) => (node.block === block.name ? [node.name] : [])));
      stacks.push(ops.rename(each, { node: "source" }));
      const rest = constantOf(ops, parts, block, made);
      if (rest === undefined) continue;
      const everywhere = ops.add(ops.fill({ pos: run.tokens.length }, 0), rest);
      push(
        `bias:${block.name}.${parts.constant?.name ?? "rest"}`,
        ops.arrange(everywhere, ["pos", "d_model"]),
      );
    }
  }
  return { names, stack: ops.concat(stacks, "source") };
}

/** `D_0, D_1, …` of the stream before the block. */
function degrees<T extends Shaped>(ops: Ops<T>, run: ScoreRun<T>): Sources<T> {
  const embedding = kept(run, "embed");
  const anatomy = { embedding, residual: embedding, writes: new Map(), gates: run.gates };
  const { terms } = sweep(ops, run.before, anatomy, undefined, Number.POSITIVE_INFINITY);
  const count = sizeAlong(terms.shape, "degree", "degrees");
  return {
    names: Array.from({ length: count }, (_, k) => `degree ${k}`),
    stack: ops.rename(terms, { degree: "source" }),
  };
}

/** What a block writes from a stack by degree; its first level is of degree 1. */
function writeByDegree<T extends Shaped>(
  ops: Ops<T>,
  run: ScoreRun<T>,
  block: Block<T>,
  read: T,
): T {
  const sites = frozenAt(run.gates);
  return ops.scope(() => {
    const linear = blockWrite(ops, withoutBiases(block), read, sites);
    if (!hasBiases(block)) return linear;
    const zero = ops.fill(kept(run, "embed").shape, 0);
    const constant = ops.broadcast(blockWrite(ops, block, zero, sites), { degree: 1 });
    const levels = sizeAlong(linear.shape, "degree", block.name);
    const first = ops.add(ops.slice(linear, "degree", 0, 1), constant);
    if (levels === 1) return first;
    return ops.concat([first, ops.slice(linear, "degree", 1, levels)], "degree");
  });
}

/** What each block writes at each degree: `A_i H[k−1]`, and `c_i` with degree 1. */
function blocksByDegree<T extends Shaped>(ops: Ops<T>, run: ScoreRun<T>): Sources<T> {
  const parts = embeddings(run);
  const names = parts.map(([name]) => name);
  const stacks = parts.map(([, part]) => ops.broadcast(part, { degree: 1 }));
  let H = ops.broadcast(kept(run, "embed"), { degree: 1 });
  for (const stage of run.before.stages) {
    const read = H;
    const levels = sizeAlong(read.shape, "degree", "blocksByDegree");
    const after = ops.scope(() => {
      const writes = stage.map((block) => writeByDegree(ops, run, block, read));
      const none = ops.fill({ ...read.shape, degree: 1 }, 0);
      const risen = ops.concat([none, sumOf(ops, writes)], "degree");
      return { writes, H: ops.add(ops.concat([read, none], "degree"), risen) };
    });
    for (const { name } of stage) {
      for (let k = 1; k <= levels; k++) names.push(`${name} degree ${k}`);
    }
    stacks.push(...after.writes);
    H = after.H;
  }
  return { names, stack: ops.rename(ops.concat(stacks, "degree"), { degree: "source" }) };
}

function tokenPieces<T extends Shaped>(ops: Ops<T>, run: ScoreRun<T>): (() => Sources<T>)[] {
  const { d_mlp, d_model } = run.before.architecture;
  const count = run.tokens.length;
  const ids = tokenIds(run.tokens);
  /** Streams from given ones: all blocks frozen, with or without their constants. */
  const carried = (model: Model<T>, from: T): T =>
    residualStream(ops, model, ids, frozenAt(new Map([...run.gates, ["embed", from]])));
  const linear: Model<T> = { ...run.before, stages: linearStages(run.before.stages) };
  const parts = new Map(embeddings(run));
  const name = parts.has("embed.token") ? "embed.token" : "embed";
  const token = parts.get(name) as T; // every model embeds tokens
  const position = parts.get("embed.position");
  const step = Math.max(1, Math.floor(NUMBERS_AT_ONCE / (count * Math.max(d_mlp, 4 * d_model))));
  const pieces: (() => Sources<T>)[] = [];
  for (let from = 0; from < count; from += step) {
    const to = Math.min(count, from + step);
    pieces.push(() => {
      const here = Array.from({ length: (to - from) * count }, (_, i) =>
        i % count === from + Math.floor(i / count) ? 1 : 0,
      );
      const alone = ops.mul(ops.constant({ source: to - from, pos: count }, here), token);
      const names = Array.from({ length: to - from }, (_, i) => `${name}@${from + i}`);
      return { names, stack: carried(linear, alone) };
    });
  }
  const rest: [string, () => T][] = [];
  if (position !== undefined) rest.push(["embed.position", () => carried(linear, position)]);
  if ([...run.before.stages].flat().some(hasBiases)) {
    rest.push(["bias", () => carried(run.before, ops.fill(token.shape, 0))]);
  }
  for (const [source, make] of rest) {
    pieces.push(() => ({ names: [source], stack: ops.broadcast(make(), { source: 1 }) }));
  }
  return pieces;
}

/** The same stages, their blocks without constants. */
function linearStages<T>(stages: Stages<T>): Stages<T> {
  return {
    length: stages.length,
    *[Symbol.iterator]() {
      for (const stage of stages) yield stage.map((block: Block<T>) => withoutBiases(block));
    },
  };
}
