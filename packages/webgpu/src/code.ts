import { InternalError } from "@resolvent/tensor";
import { type FunctionName, functionTexts } from "./functions.ts";
import { isInLine, type Node, type Places } from "./node.ts";
import { partsIn, partsOf, type Span, wordsOf } from "./parts.ts";
import type { Traits } from "./traits.ts";

/** A kernel's text and what it is given: kernels with the same text are one pipeline. */
export interface Kernel {
  readonly text: string;
  /** Words of sizes, steps and factors, in the order in which the text takes them. */
  readonly params: readonly number[];
  /** What it reads, in the order of its bindings: of which node the buffers from one to before another. */
  readonly leaves: readonly { readonly node: Node; readonly parts: Span }[];
  /** What it writes, likewise. */
  readonly outputs: readonly Span[];
  /** How many buffers that are. */
  readonly bindings: number;
}

/** What a kernel writes: numbers of which it makes some. */
export interface Output {
  readonly type: "f32" | "u32";
  /** Words of all of it. */
  readonly words: number;
  /** The words that are written; default all. */
  readonly span?: Span;
}

/** A tensor as the text sees it. */
interface Bound {
  readonly name: string;
  readonly parts: Span;
  /** The first word that is seen; undefined of a tensor in one buffer. */
  readonly from: string | undefined;
}

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** A kernel while it is written. What shapes decide is a parameter and not in the text. */
export class Code {
  readonly #params: number[] = [];
  readonly #leaves = new Map<Node, Bound>();
  readonly traits: Traits;
  /** Nodes that are read by words of four numbers. */
  readonly #inFours = new Set<Node>();
  readonly #enabled = new Set<"subgroups" | "f16">();
  /** Which entries of nodes are read; all where nothing is said. */
  readonly #needed: ReadonlyMap<Node, Span>;
  readonly #outputs: (Output & { readonly bound: Bound })[] = [];
  readonly #functions = new Set<FunctionName>();
  /** Declarations outside of functions, by their names. */
  readonly #declared = new Map<string, string>();
  /** What the open blocks have said so far, innermost last, and the names of what they have computed. */
  readonly #blocks: { lines: string[]; known: Map<string, string> }[] = [];
  #names = 0;

  constructor(traits: Traits, needed: ReadonlyMap<Node, Span> = new Map()) {
    this.traits = traits;
    this.#needed = needed;
  }

  /** A whole number that shapes decide. */
  count(value: number): string {
    const at = this.#params.push(value >>> 0) - 1;
    return `p[${at >> 2}].${"xyzw"[at & 3]}`;
  }

  /** A number. */
  number(value: number): string {
    word[0] = value;
    return `bitcast<f32>(${this.count(bits[0] as number)})`; // one word
  }

  /** Says that a function is called; gives its name. */
  call(name: FunctionName): string {
    this.#functions.add(name);
    if (name.endsWith("f16") && !name.endsWith("bf16") && this.traits.halves) this.enable("f16");
    return name;
  }

  /** Says that the text needs what not every device has. */
  enable(feature: "subgroups" | "f16"): void {
    this.#enabled.add(feature);
  }

  /** Declares something outside of functions, where that name is not declared yet. */
  declareOnce(name: string, text: string): void {
    if (!this.#declared.has(name)) this.#declared.set(name, text);
  }

  /** The lines that `body` says, in a block of their own: what it computes is not known outside. */
  block(body: () => void): string {
    this.#blocks.push({ lines: [], known: new Map() });
    body();
    const block = this.#blocks.pop();
    return (block?.lines ?? []).join("\n");
  }

  say(line: string): void {
    this.#blocks.at(-1)?.lines.push(line);
  }

  /** A new name for a value; what has the same key in this block or one around it is computed once. */
  let(key: string, text: () => string): string {
    for (const { known } of this.#blocks) {
      const found = known.get(key);
      if (found !== undefined) return found;
    }
    const name = this.constant(text());
    this.#blocks.at(-1)?.known.set(key, name);
    return name;
  }

  /** A new name for what changes. */
  variable(value: string): string {
    const name = `v${this.#names++}`;
    this.say(`var ${name} = ${value};`);
    return name;
  }

  /** A new name for a value. */
  constant(value: string): string {
    const name = `v${this.#names++}`;
    this.say(`let ${name} = ${value};`);
    return name;
  }

  /** The place of entry `i` of a tensor of `size` entries. */
  place(i: string, places: Places, size: number): string {
    if (isInLine(places, size)) return i;
    return this.let(`${i} ${placeKey(places)}`, () =>
      "rows" in places
        ? this.#row(i, places)
        : this.along(i, places.loops, [places.start], ({ step }) => [step])[0],
    );
  }

  #row(i: string, { rows, count, around, start }: Extract<Places, { rows: Node }>): string {
    const { size, inner } = around;
    const line = this.let(`${i} by ${inner}`, () => `${i} / ${this.count(inner)}`);
    const column = this.let(`${i} mod ${inner}`, () => `${i} % ${this.count(inner)}`);
    const at = this.let(`${line} mod ${count}`, () => `${line} % ${this.count(count)}`);
    const outer = this.let(`${line} by ${count}`, () => `${line} / ${this.count(count)}`);
    const row = this.load(rows, at);
    const before = `${outer} * ${this.count(size)} + ${row}`;
    return `(${before}) * ${this.count(inner)} + ${column}${this.#from(start)}`;
  }

  /** Places by loops, of several tensors at once: sums of steps times how far each loop is at entry `i`. */
  along<L extends { readonly size: number }>(
    i: string,
    loops: readonly L[],
    starts: readonly number[],
    stepsOf: (loop: L) => readonly number[],
  ): [string, ...string[]] {
    const terms = starts.map((): string[] => []);
    let rest = i;
    for (let at = loops.length - 1; at >= 0; at--) {
      const loop = loops[at] as L; // within
      const own = stepsOf(loop);
      let turn = rest;
      if (at > 0) {
        const { size } = loop;
        const whole = rest;
        turn = this.let(`${whole} mod ${size}`, () => `${whole} % ${this.count(size)}`);
        rest = this.let(`${whole} by ${size}`, () => `${whole} / ${this.count(size)}`);
      }
      own.forEach((step, tensor) => {
        if (step !== 0) terms[tensor]?.push(`${turn} * ${this.count(step)}`);
      });
    }
    const sums = terms.map((each, tensor) => {
      const sum = each.length === 0 ? "0u" : each.join(" + ");
      return `${sum}${this.#from(starts[tensor] ?? 0)}`;
    });
    return sums as [string, ...string[]]; // as many as starts
  }

  #from(start: number): string {
    return start === 0 ? "" : ` + ${this.count(start)}`;
  }

  /** The number at a place of what is there already. */
  load(node: Node, place: string): string {
    const { name } = this.#leaf(node);
    return this.let(`leaf ${name} ${place}`, () => this.loaded(node, place));
  }

  /** The same, as an expression. */
  loaded(node: Node, place: string): string {
    if (node.form === "f32" || node.form === "u32") return this.#word(node, place);
    return `${this.call(`wide_${node.form}`)}(${this.bitsOf(node, place)})`;
  }

  /** The 16 bits of a number as they are. */
  bitsOf(node: Node, place: string): string {
    return `((${this.#word(node, `(${place}) >> 1u`)} >> (((${place}) & 1u) << 4u)) & 0xffffu)`;
  }

  /** Says that a node is read in fours too, from now on; its numbers are in one buffer. */
  readInFours(node: Node): void {
    this.#inFours.add(node);
  }

  /** Four numbers of a node that is read in fours, from a place on that is a multiple of four. */
  four(node: Node, place: string): string {
    const word = `${this.#leaf(node).name}[(${place}) >> 2u]`;
    const { form } = node;
    return form === "f32" || form === "u32" ? word : `${this.call(`fours_${form}`)}(${word})`;
  }

  #word(node: Node, place: string): string {
    const { name, from } = this.#leaf(node);
    if (this.#inFours.has(node)) {
      const bits = node.form === "f32" ? 2 : 1; // two words hold four 16-bit numbers
      return `${name}[(${place}) >> ${bits}u][(${place}) & ${2 ** bits - 1}u]`;
    }
    return from === undefined ? `${name}[${place}]` : `${name}(${place})`;
  }

  #leaf(node: Node): Bound {
    let found = this.#leaves.get(node);
    if (found !== undefined) return found;
    const [from, to] = this.#needed.get(node) ?? [0, node.size];
    const words: Span =
      wordsOf(2, node.form) === 2 ? [from, to] : [Math.floor(from / 2), Math.ceil(to / 2)];
    const name = `b${this.#leaves.size}`;
    const isWhole = partsOf(node, this.traits) === 1;
    found = this.#bound(name, isWhole, words);
    this.#leaves.set(node, found);
    if (!isWhole) {
      const type = node.form === "f32" ? "f32" : "u32";
      const reads = this.#inParts(found, (part, at) => `return ${part}[${at}];`);
      this.declareOnce(name, `fn ${name}(i: u32) -> ${type} {\n${reads}\n}`);
    }
    return found;
  }

  #bound(name: string, isWhole: boolean, words: Span): Bound {
    if (isWhole) return { name, parts: [0, 1], from: undefined };
    const parts = partsIn(words, this.traits);
    return { name, parts, from: this.count(parts[0] * this.traits.words) };
  }

  /** What is done with word `i` in the one of several buffers that holds it. */
  #inParts({ name, parts, from }: Bound, body: (part: string, at: string) => string): string {
    const { words } = this.traits;
    const lines = [`let j = i - ${from};`];
    const count = parts[1] - parts[0];
    for (let part = 0; part < count; part++) {
      const at = part === 0 ? "j" : `j - ${part * words}u`;
      const own = body(`${name}_${part}`, at);
      lines.push(part === count - 1 ? own : `if (j < ${(part + 1) * words}u) { ${own} }`);
    }
    return lines.join("\n");
  }

  /** Says what is written; gives the statement that writes a value to a place. */
  output(output: Output): (place: string, value: string) => string {
    const { type, words, span = [0, words] } = output;
    const name = `o${this.#outputs.length}`;
    const bound = this.#bound(name, words <= this.traits.words, span);
    this.#outputs.push({ ...output, bound });
    if (bound.from === undefined) return (place, value) => `${name}[${place}] = ${value};`;
    const writes = this.#inParts(bound, (part, at) => `${part}[${at}] = x; return;`);
    this.declareOnce(name, `fn ${name}(i: u32, x: ${type}) {\n${writes}\n}`);
    return (place, value) => `${name}(${place}, ${value});`;
  }

  /**
   * The kernel.
   *
   * @param main lines of its body, which know `w`, the number of the workgroup, and `l`, that of the thread in it
   */
  kernel(threads: number, main: string): Kernel {
    if (this.#blocks.length > 0)
      throw new InternalError({ code: "webgpu/open-block", message: "A block was not closed." });
    const words = Math.max(1, Math.ceil(this.#params.length / 4));
    const declared: string[] = [];
    const declare = ({ name, parts, from }: Bound, access: string, type: string): void => {
      for (let part = 0; part < parts[1] - parts[0]; part++) {
        const own = from === undefined ? name : `${name}_${part}`;
        const at = declared.length + 1;
        declared.push(`@group(0) @binding(${at}) var<storage, ${access}> ${own}: array<${type}>;`);
      }
    };
    for (const [node, bound] of this.#leaves) {
      const [one, four] = node.form === "f32" ? ["f32", "vec4<f32>"] : ["u32", "vec2<u32>"];
      declare(bound, "read", this.#inFours.has(node) ? four : one);
    }
    for (const { bound, type } of this.#outputs) declare(bound, "read_write", type);
    const text = [
      ...Array.from(this.#enabled, (feature) => `enable ${feature};`),
      `@group(0) @binding(0) var<uniform> p: array<vec4<u32>, ${words}>;`,
      ...declared,
      functionTexts(this.#functions, this.traits.halves),
      ...this.#declared.values(),
      `@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) w3: vec3<u32>, @builtin(num_workgroups) n3: vec3<u32>, @builtin(local_invocation_index) l: u32) {`,
      "let w = w3.x + w3.y * n3.x;",
      main,
      "}",
    ].join("\n");
    return {
      ...{ text, params: this.#params, bindings: declared.length },
      leaves: Array.from(this.#leaves, ([node, { parts }]) => ({ node, parts })),
      outputs: this.#outputs.map(({ bound }) => bound.parts),
    };
  }
}

function placeKey(places: Places): string {
  if ("rows" in places) {
    const { outer, size, inner } = places.around;
    return `rows ${places.start} ${places.count} ${outer} ${size} ${inner} ${idOf(places.rows)}`;
  }
  return `${places.start} ${places.loops.map(({ size, step }) => `${size}:${step}`).join()}`;
}

let last = 0;
const ids = new WeakMap<Node, number>();

/** A number that tells nodes apart. */
export function idOf(node: Node): number {
  let id = ids.get(node);
  if (id === undefined) {
    id = last++;
    ids.set(node, id);
  }
  return id;
}
