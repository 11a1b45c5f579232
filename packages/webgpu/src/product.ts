import { isBetterTurned, type Loop, type ProductLoops, turnedOver } from "@resolvent/tensor/rules";
import { Code } from "./code.ts";
import { Expression } from "./expression.ts";
import type { Group } from "./groups.ts";
import type { Launch, Product } from "./launch.ts";
import { inLine, type Node, type Source } from "./node.ts";
import { thinLaunch } from "./thin.ts";
import { tiledLaunch } from "./tiled.ts";

/** Up to so many rows the right operand is read once, where it lies, and shared by nobody. */
const FEW_ROWS = 8;

/**
 * A matrix product, with what is made of each of its numbers. Operands are read in any memory order: functions give the
 * place of a row, a column, a term and a batch in each of the three.
 */
export function productLaunch(group: Group): Launch {
  const product = group.product as Node; // its caller has looked
  const { work } = product;
  const given = (work as Extract<Node["work"], { type: "product" }>).loops; // a product
  const turned = isBetterTurned(given, FEW_ROWS);
  const loops = turned ? turnedOver(given) : given;
  const [left, right] = product.sources as [Source, Source];
  const [a, b] = turned ? [right, left] : [left, right];
  const code = new Code();
  const operand = ({ node, places: { start } }: Source): Product["a"] => {
    const from = start === 0 ? "" : ` + ${code.count(start)}`;
    return (place) => code.loaded(node, `${place}${from}`);
  };
  declarePlaces(code, loops);
  declareFinish(code, group, product);
  const kernel: Product = { code, loops, a: operand(a), b: operand(b) };
  return loops.m <= FEW_ROWS ? thinLaunch(kernel) : tiledLaunch(kernel);
}

/** `a_row`, `c_row`, `b_column`, `c_column`, `a_term`, `b_term`, and `a_batch`, `b_batch`, `c_batch`. */
function declarePlaces(code: Code, { rows, columns, terms, batches }: ProductLoops): void {
  const declare = (part: string, loops: readonly Loop[], tensors: string): void => {
    for (const [which, tensor] of [...tensors].entries()) {
      const body = code.block(() => {
        const [sum] = code.along("i", loops, [0], ({ steps }) => [steps[which] ?? 0]);
        code.say(`return ${sum};`);
      });
      const name = `${tensor}_${part}`;
      code.declareOnce(name, `fn ${name}(i: u32) -> u32 {\n${body}\n}`);
    }
  };
  declare("row", rows, "ac");
  declare("column", columns, "bc");
  declare("term", terms, "ab");
  declare("batch", batches, "abc");
}

/** `finish(i, x)` writes what is made of the product's entry `i`, which is `x`. */
function declareFinish(code: Code, group: Group, product: Node): void {
  const expression = new Expression(code, group);
  expression.known.set(product, ["x"]);
  const body = code.block(() => {
    const value = expression.value(group.root, "i");
    code.say(`o0[${code.place("i", inLine(group.root.size), group.root.size)}] = ${value};`);
  });
  code.declareOnce("finish", `fn finish(i: u32, x: f32) {\n${body}\n}`);
}
