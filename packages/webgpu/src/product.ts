import { isBetterTurned, type Loop, type ProductLoops, turnedOver } from "@resolvent/tensor/rules";
import { Code } from "./code.ts";
import { directLaunch } from "./direct.ts";
import { Expression } from "./expression.ts";
import { fetchOf } from "./fetch.ts";
import type { Group } from "./groups.ts";
import { FEW_ROWS, type Launch, type Operand, type Product } from "./launch.ts";
import type { Node, Source } from "./node.ts";
import { partsOf, type Span, tooLarge } from "./parts.ts";
import { halves, type Piece, spanIn } from "./piece.ts";
import { neededFor } from "./spans.ts";
import { thinLaunch } from "./thin.ts";
import { tiledLaunch } from "./tiled.ts";
import type { Traits } from "./traits.ts";

/**
 * A matrix product, with what is made of each of its numbers: in one kernel, or, where that would see more buffers than
 * it may, by blocks of rows, columns or batches.
 *
 * @throws InputError `webgpu/too-large`
 */
export function productLaunches(group: Group, traits: Traits): Launch[] {
  const { work } = group.product as Node; // its caller has looked
  const { loops } = work as Extract<Node["work"], { type: "product" }>; // a product
  const bindings = (piece: Piece): number => productLaunch(group, traits, piece).kernel.bindings;
  const inPieces = (piece: Piece): Launch[] => {
    const launch = productLaunch(group, traits, piece);
    if (launch.kernel.bindings <= traits.most) return [launch];
    const [best] = halves(piece)
      .map((pair) => ({ pair, most: Math.max(...pair.map(bindings)) }))
      .toSorted((x, y) => x.most - y.most);
    if (best === undefined) throw tooLarge(launch.kernel.bindings, traits);
    return best.pair.flatMap(inPieces);
  };
  return inPieces({ loops, starts: [0, 0, 0] });
}

/**
 * A kernel for a piece of a product. Operands are read in any memory order: functions give the place of a row, a column,
 * a term and a batch in each of the three.
 */
function productLaunch(group: Group, traits: Traits, given: Piece): Launch {
  const product = group.product as Node; // its caller has looked
  const turned = isBetterTurned(given.loops, FEW_ROWS);
  const { loops, starts } = turned ? turnedPiece(given) : given;
  const [left, right] = product.sources as [Source, Source];
  const [a, b] = turned ? [right, left] : [left, right];
  const result = spanIn(loops, "c", starts[2]);
  const needed = new Map(neededFor(group, result));
  const see = ({ node, places }: Source, span: Span): void => {
    const known = needed.get(node);
    const [from, to] = [span[0] + places.start, span[1] + places.start];
    needed.set(node, known ? [Math.min(known[0], from), Math.max(known[1], to)] : [from, to]);
  };
  see(a, spanIn(loops, "a", starts[0]));
  see(b, spanIn(loops, "b", starts[1]));
  const code = new Code(traits, needed);
  const isTiled = loops.m > FEW_ROWS && !traits.software;
  const operand = (name: "a" | "b", { node, places: { start } }: Source): Operand => {
    const first = start + starts[name === "a" ? 0 : 1];
    const may = isTiled && node.form !== "u32" && partsOf(node, traits) === 1;
    const fetch = fetchOf(loops, name, may ? first : undefined);
    if (fetch === "across" || fetch === "along") code.readInFours(node);
    const from = start === 0 ? "" : ` + ${code.count(start)}`;
    return {
      fetch,
      load: (place) => code.loaded(node, `${place}${from}`),
      four: (place) => code.four(node, `${place}${from}`),
    };
  };
  // Both before anything is read: a node may be both, and what is made of the product may read it too.
  const operands = { a: operand("a", a), b: operand("b", b) };
  declarePlaces(code, loops, starts);
  declareFinish(code, group, product, result);
  const kernel: Product = { code, loops, ...operands, tiles: traits.tiles };
  if (traits.software) return directLaunch(kernel);
  return isTiled ? tiledLaunch(kernel) : thinLaunch(kernel);
}

function turnedPiece({ loops, starts: [a, b, c] }: Piece): Piece {
  return { loops: turnedOver(loops), starts: [b, a, c] };
}

/** `a_row`, `c_row`, `b_column`, `c_column`, `a_term`, `b_term`, and `a_batch`, `b_batch`, `c_batch`. */
function declarePlaces(
  code: Code,
  { rows, columns, terms, batches }: ProductLoops,
  starts: Piece["starts"],
): void {
  const declare = (
    part: string,
    loops: readonly Loop[],
    tensors: string,
    from: readonly number[] = [],
  ): void => {
    for (const [which, tensor] of [...tensors].entries()) {
      const body = code.block(() => {
        const start = from[which] ?? 0;
        const [sum] = code.along("i", loops, [start], ({ steps }) => [steps[which] ?? 0]);
        code.say(`return ${sum};`);
      });
      const name = `${tensor}_${part}`;
      code.declareOnce(name, `fn ${name}(i: u32) -> u32 {\n${body}\n}`);
    }
  };
  declare("row", rows, "ac");
  declare("column", columns, "bc");
  declare("term", terms, "ab");
  declare("batch", batches, "abc", starts);
}

/** `finish(i, x)` writes what is made of the product's entry `i`, which is `x`. */
function declareFinish(code: Code, group: Group, product: Node, span: Span): void {
  const { root } = group;
  const write = code.output({ type: "f32", words: root.size, span });
  const expression = new Expression(code, group);
  expression.known.set(product, ["x"]);
  const body = code.block(() => {
    code.say(write("i", expression.value(root, "i")));
  });
  code.declareOnce("finish", `fn finish(i: u32, x: f32) {\n${body}\n}`);
}
