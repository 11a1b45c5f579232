import {
  type Engine,
  InputError,
  type Ops,
  readTogether,
  type Shaped,
  sizeAlong,
  using,
} from "@resolvent/tensor";
import {
  type Block,
  chooses,
  constantOf,
  frozenAt,
  hasBiases,
  headName,
  headNamed,
  type Level,
  type LevelName,
  levelOf,
  type Model,
  nodeWrite,
  type Site,
} from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { stepNamed } from "./step.ts";

/**
 * Sources that enter the stream at one point: values that paths begin with. What holds them is open: anything that
 * is added to the stream can be a source.
 */
export interface Sources<T> {
  /** How many stages of the model lie before the point. */
  readonly enters: number;
  /** What a source counts on a path: 0, or 1 for a block's constant, which enters at that block. */
  readonly degree: 0 | 1;
  /** `embed`, `embed.token`, `embed.position`, `bias:L0.mlp`, `bias:L0.H3`, `bias:L0.attn.b_O` */
  readonly names: readonly string[];
  /** Each position of a source is a source of its own. */
  readonly byPosition: boolean;
  /** `source, pos, d_model` */
  readonly values: T;
  /** The site whose value has them, alone or among others: what `verify` takes them from. Of one's own sources. */
  readonly site?: Site;
}

export interface SourceOptions {
  /** At level `head` the constants of heads are told apart; default `block`. */
  readonly level?: LevelName | Level;
  /** The token and position parts of the embedding are sources of their own; default false. */
  readonly embeddingParts?: boolean;
  /** Each position of a source is a source of its own; default false. */
  readonly byPosition?: boolean;
}

/**
 * All sources of a run: the embedding, and the constant `c_i` of every block that has one. With the gates frozen
 * they are all there is: the final stream is the sum of all paths from them.
 *
 * At level `head` the constant of an attention block is told apart into those of its heads,
 * `A_h 1 (β W_V + b_V) W_O`, and `b_O`.
 */
export function allSources<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  options: SourceOptions = {},
): Sources<T>[] {
  const level = levelOf(options.level ?? "block");
  const { embeddingParts = false, byPosition = false } = options;
  const stack = (parts: readonly T[]): T => {
    const each = parts.map((part) =>
      ops.arrange(ops.broadcast(part, { source: 1 }), ["pos", "d_model"]),
    );
    return each.length === 1 ? (each[0] as T) : ops.concat(each, "source"); // one part
  };
  return ops.scope(() => {
    const parts: [string, T][] = embeddingParts
      ? [
          ["embed.token", run.token],
          ...(run.position === undefined ? [] : [["embed.position", run.position] as [string, T]]),
        ]
      : [["embed", run.embedding]];
    const start: Sources<T> = {
      ...{ enters: 0, degree: 0, byPosition },
      names: parts.map(([name]) => name),
      values: stack(parts.map(([, value]) => value)),
    };
    const constants = stagesOf(model).flatMap((blocks, stage) =>
      blocks.filter(hasBiases).map((block): Sources<T> => {
        const parts = constantsOf(ops, model, run, block, level);
        const names = parts.map(([name]) => name);
        const values = stack(parts.map(([, value]) => value));
        return { enters: stage + 1, degree: 1, byPosition, names, values };
      }),
    );
    return [start, ...constants];
  });
}

/**
 * The constant of a block, `c_i = f_i(0)`: of its parts one by one, where what belongs to none of them has a name. Those
 * of parts that write along a direction each, which are many, stay together.
 */
function constantsOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  block: Block<T>,
  level: Level,
): [string, T][] {
  const zero = ops.fill(run.embedding.shape, 0);
  const frozen = frozenAt(run.gates);
  const parts = level[block.kind];
  const made = parts?.constant && parts.writes(ops, block, zero, frozen);
  if (parts?.constant === undefined || made === undefined || made.directions !== undefined) {
    return [[`bias:${block.name}`, nodeWrite(ops, { part: undefined }, block, zero, frozen)]];
  }
  const { architecture } = model;
  const each = Array.from(
    { length: parts.count(architecture, block.layer) },
    (_, index): [string, T] => [
      `bias:${parts.name(block.layer, index)}`,
      ops.sum(ops.slice(made.each, "node", index, index + 1), ["node"]),
    ],
  );
  const own = constantOf(ops, parts, block, made);
  if (own === undefined) return each;
  return [...each, [`bias:${block.name}.${parts.constant.name}`, ops.add(zero, own)]];
}

/**
 * The sources that are not zero at every position: a bias of zeros is none. With `choice`, those of these names
 * (`*` for any characters), `bias:L0.H3` or `bias of L0.H3`, heads in any spelling.
 *
 * @returns sources on the engine; free them when they are done with
 * @throws InputError `paths/no-source` where no source has such a name
 */
export async function liveSources<T extends Shaped>(
  engine: Engine<T>,
  sources: readonly Sources<T>[],
  choice?: readonly string[],
): Promise<Sources<T>[]> {
  const chosen = choice === undefined ? () => true : chooses(choice.map(sourceName));
  const squares = ({ values }: Sources<T>): T =>
    engine.scope(() => engine.sum(engine.mul(values, values), ["pos", "d_model"]));
  const sizes = await using(
    engine,
    () => sources.map(squares),
    (all) => readTogether(engine, all),
  );
  const kept = sources.flatMap((group, g) => {
    // The embedding is a source even where it is zero: every model has it.
    const live = group.names.flatMap((name, i) =>
      chosen(name) && (group.degree === 0 || sizes[g]?.[i] !== 0) ? [i] : [],
    );
    return live.length > 0 ? [someOf(engine, group, live)] : [];
  });
  if (kept.length === 0 && choice !== undefined) {
    const names = sources.flatMap((group) => group.names);
    throw new InputError({
      code: "paths/no-source",
      message: `No source is named ${choice.map((name) => `"${name}"`).join(" or ")}.`,
      remedy: `Sources are ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}; zero biases are none.`,
      details: { got: choice, names },
    });
  }
  return kept;
}

/** `bias of L0.mlp` as `bias:L0.mlp`, `bias of 0.3` as `bias:L0.H3`; other names as they are. */
export function sourceName(name: string): string {
  const of = /^bias(?: of |:)(.*)$/.exec(name)?.[1];
  if (of === undefined) return name;
  const head = headNamed(of);
  return `bias:${head === undefined ? of : headName(head)}`;
}

function someOf<T extends Shaped>(
  ops: Ops<T>,
  group: Sources<T>,
  which: readonly number[],
): Sources<T> {
  const ids = { shape: { source: which.length }, data: Int32Array.from(which) };
  return {
    ...group,
    names: which.map((i) => group.names[i] as string), // indices of names
    values: ops.take(group.values, "source", ids),
  };
}

/**
 * The value of one source, `pos, d_model`, zero outside of its position where it has one.
 *
 * @throws InputError `paths/no-source`
 */
export function sourceValue<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  { name, position }: SourceId,
  level?: Level,
  given?: readonly Sources<T>[],
): T {
  return ops.scope(() => {
    const value = sourcePlace(model, name, level, given)?.value(ops, run);
    if (value === undefined || (position !== null && position >= run.positions)) {
      const source = position === null ? name : `${name}@${position}`;
      throw new InputError({
        code: "paths/no-source",
        message: `The run has no source "${source}".`,
        remedy: "Sources are embed, embed.token, embed.position, and biases such as bias:L0.mlp.",
        details: { name, position, positions: run.positions },
      });
    }
    // A copy, so that whoever gets it may free it.
    if (position === null) return ops.scale(value, 1);
    return ops.mul(value, oneAt(ops, run.positions, position));
  });
}

/** Where a source enters, and what it is. */
interface SourcePlace<T extends Shaped> {
  /** How many stages of the model lie before the point. */
  readonly enters: number;
  /** The site that has it, alone or among others. */
  readonly site: Site;
  /** `pos, d_model`, of a run; undefined where that has no such source. */
  value(ops: Ops<T>, run: FrozenRun<T>): T | undefined;
}

/** The source of a name, one's own first; undefined where no model like this has one. */
export function sourcePlace<T extends Shaped>(
  model: Model<T>,
  name: string,
  level: Level = levelOf("head"),
  given: readonly Sources<T>[] = [],
): SourcePlace<T> | undefined {
  const own = given.find(({ names, site }) => site !== undefined && names.includes(name));
  if (own?.site !== undefined) {
    const { enters, site, names, values } = own;
    const at = names.indexOf(name);
    const value = (ops: Ops<T>): T => ops.sum(ops.slice(values, "source", at, at + 1), ["source"]);
    return { enters, site, value };
  }
  const [, of] = /^bias:(.*)$/.exec(name) ?? [];
  if (of === undefined) {
    const values = { embed: "embedding", "embed.token": "token", "embed.position": "position" };
    if (!Object.hasOwn(values, name)) return undefined;
    const key = values[name as keyof typeof values]; // it is one of them
    return { enters: 0, site: "embed", value: (_ops, run) => run[key as "token"] };
  }
  const step = stepNamed(model, of, level);
  const owner = step ?? stepNamed(model, of.slice(0, of.lastIndexOf(".")), level);
  if (owner === undefined) return undefined;
  const { weights: block, stage } = owner;
  return {
    enters: stage + 1,
    site: `${block.name}.write`,
    value: (ops, run) => {
      const zero = ops.fill(run.embedding.shape, 0);
      if (step !== undefined) return nodeWrite(ops, step, block, zero, frozenAt(run.gates));
      return constantsOf(ops, model, run, block, level).find(([own]) => own === name)?.[1];
    },
  };
}

/** One source: its place among `sources`. */
export interface SourceId {
  readonly name: string;
  /** Its position; null for the whole of it. */
  readonly position: number | null;
}

/** Every source of a group in the order of `dotSources`. */
export function sourceIds<T extends Shaped>(group: Sources<T>): SourceId[] {
  const positions = sizeAlong(group.values.shape, "pos", "sourceIds");
  return group.names.flatMap((name): SourceId[] =>
    group.byPosition
      ? Array.from({ length: positions }, (_, position) => ({ name, position }))
      : [{ name, position: null }],
  );
}

/**
 * The inner products of covectors with every source of a group: the covectors' leading axes, then `source`, as
 * `sourceIds` counts them.
 *
 * @param values `…, pos, d_model`, or `…, d_model` at the position `at`
 */
export function dotSources<T extends Shaped>(
  ops: Ops<T>,
  group: Sources<T>,
  { values, at }: { readonly values: T; readonly at: number | undefined },
): T {
  return ops.scope(() => {
    const positions = sizeAlong(group.values.shape, "pos", "dotSources");
    if (!group.byPosition) {
      const own =
        at === undefined
          ? group.values
          : ops.sum(ops.slice(group.values, "pos", at, at + 1), ["pos"]);
      const over = at === undefined ? ["pos", "d_model"] : ["d_model"];
      return ops.arrange(ops.matmul(values, own, over), ["source"]);
    }
    const everywhere = at === undefined ? values : ops.mul(values, oneAt(ops, positions, at)); // zero elsewhere
    const each = ops.matmul(everywhere, group.values, ["d_model"], ["source", "pos"]);
    return ops.join(each, ["source", "pos"], "source");
  });
}

/** 1 at one position, 0 elsewhere. */
export function oneAt<T extends Shaped>(ops: Ops<T>, positions: number, at: number): T {
  const numbers = Array.from({ length: positions }, (_, pos) => (pos === at ? 1 : 0));
  return ops.constant({ pos: positions }, numbers);
}
