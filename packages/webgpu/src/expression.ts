import { InternalError } from "@resolvent/tensor";
import { type Code, idOf } from "./code.ts";
import type { Group } from "./groups.ts";
import type { MapName, Node, Turn, ZipName } from "./node.ts";

/** Name of the number of the row that a kernel is at, where it goes along an axis; `j` is how far it is on it. */
export const ROW = "r";

const zips: Readonly<Record<ZipName, string>> = { add: "+", sub: "-", mul: "*", div: "/" };

/** Writes what makes an entry of a group from entries of what is there already. */
export class Expression {
  /** What is known of some nodes before entries are made: the number itself, or, of an axis, its sums. */
  readonly known: Map<Node, readonly string[]> = new Map();
  readonly #code: Code;
  readonly #group: Group;

  constructor(code: Code, group: Group) {
    this.#code = code;
    this.#group = group;
  }

  /** Entry `i` of a node. */
  value(node: Node, i: string): string {
    const { work } = node;
    const level = this.#group.levels.get(node);
    if (level === undefined) return this.#code.load(node, i);
    const known = this.known.get(node);
    if (work.type === "product" || (work.type === "rows" && level === "row"))
      return known?.[0] ?? missing(node);
    const at = work.type === "fill" ? "" : i;
    return this.#code.let(`node ${idOf(node)} ${at}`, () => this.#text(node, i));
  }

  /** Entry `i` of a node as it finds its source number `which`. */
  source(node: Node, which: number, i: string): string {
    const source = node.sources[which];
    if (source === undefined) return missing(node);
    const { work } = node;
    const size = work.type === "rows" ? sizeAround(work.around) : node.size;
    const level = this.#group.levels.get(source.node);
    const place = level === "row" ? ROW : this.#code.place(i, source.places, size);
    return this.value(source.node, place);
  }

  #text(node: Node, i: string): string {
    const { work } = node;
    switch (work.type) {
      case "fill":
        return this.#code.number(work.value);
      case "point": {
        const [a, b] = node.sources.map((_, which) => this.source(node, which, i));
        if (b === undefined) return this.#mapped(work.name as MapName, a ?? "", work.factor);
        return `${a} ${zips[work.name as ZipName]} ${b}`; // two sources
      }
      case "turn":
        return this.#turned(node, work.turn, i);
      case "rows": {
        const [first = missing(node), inverse, from, to] = this.known.get(node) ?? [];
        const x = this.source(node, 0, i);
        if (work.name === "center") return `${x} - ${first}`;
        const share = `${this.#code.call("exp_")}(${x} - ${first}) * ${inverse}`;
        return from === undefined ? share : `select(0.0, ${share}, j >= ${from} && j < ${to})`;
      }
      default:
        return missing(node);
    }
  }

  #mapped(name: MapName, x: string, factor: number): string {
    const code = this.#code;
    switch (name) {
      case "copy":
        return x;
      case "scale":
        return `${x} * ${code.number(factor)}`;
      case "exp":
      case "log":
        return `${code.call(`${name}_`)}(${x})`;
      case "sqrt":
        return `sqrt(${x})`;
      case "relu":
        return `select(0.0, 1.0, ${x} > 0.0)`;
      case "gelu":
        return `${code.call("gelu_gate")}(${x})`;
      case "gelu_tanh": // ½(1 + tanh u) = σ(2u), u = √(2/π)(x + 0.044715 x³)
        return `${code.call("sigmoid")}(1.5957691216057308 * ${x} * (1.0 + 0.044715 * ${x} * ${x}))`;
      case "quick_gelu":
        return `${code.call("sigmoid")}(1.702 * ${x})`;
      case "silu":
        return `${code.call("sigmoid")}(${x})`;
    }
  }

  /** Sources: the numbers, then cosines and sines, by position and pair. */
  #turned(node: Node, turn: Turn, i: string): string {
    const code = this.#code;
    const pairs = code.count(turn.pairs);
    const along = ({ size, steps: [step = 1] }: Turn["axis"]): string =>
      code.let(`${i} at ${size} ${step}`, () => {
        const each = step === 1 ? i : `${i} / ${code.count(step)}`;
        return `(${each}) % ${code.count(size)}`;
      });
    const [c, pos] = [along(turn.axis), along(turn.pos)];
    const key = `${idOf(node)} ${i}`;
    const inside = code.let(`turned ${key}`, () => `${c} < 2u * ${pairs}`);
    const [pair, first] = turn.adjacent
      ? [`${c} / 2u`, `(${c} & 1u) == 0u`]
      : [`select(${c} - ${pairs}, ${c}, ${c} < ${pairs})`, `${c} < ${pairs}`];
    const isFirst = code.let(`first ${key}`, () => first);
    const step = turn.axis.steps[0] ?? 1;
    const away = turn.adjacent ? code.count(step) : code.count(turn.pairs * step);
    const partner = code.let(
      `partner ${key}`,
      () => `select(${i}, select(${i} - ${away}, ${i} + ${away}, ${isFirst}), ${inside})`,
    );
    // What is not turned reads any entry of the tables, and does not use it.
    const angle = code.let(`angle ${key}`, () => {
      const row = `(${code.count(turn.start)} + ${pos}) * ${pairs}`;
      return `select(0u, ${row} + ${pair}, ${inside})`;
    });
    const [x, y] = [this.source(node, 0, i), this.source(node, 0, partner)];
    const [cos, sin] = [this.source(node, 1, angle), this.source(node, 2, angle)];
    const [plus, minus] = turn.transpose ? [`-${sin}`, sin] : [sin, `-${sin}`];
    return `select(${x}, ${cos} * ${x} + select(${plus}, ${minus}, ${isFirst}) * ${y}, ${inside})`;
  }
}

function sizeAround({
  outer,
  size,
  inner,
}: {
  outer: number;
  size: number;
  inner: number;
}): number {
  return outer * size * inner;
}

function missing(node: Node): never {
  throw new InternalError({
    code: "webgpu/no-expression",
    message: `An entry of a "${node.work.type}" was asked for where there is none.`,
    details: { type: node.work.type },
  });
}
