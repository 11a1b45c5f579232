import { Code } from "./code.ts";
import { Expression } from "./expression.ts";
import type { Group } from "./groups.ts";
import { type Launch, THREADS } from "./launch.ts";
import { inLine, type Loops, type Node, nodeOf, type Source } from "./node.ts";

/** One entry a thread, each from what is at its places. */
export function pointLaunch(group: Group, into: Loops = inLine(group.root.size)): Launch {
  const { root } = group;
  const code = new Code();
  const main = code.block(() => {
    code.say(`let i = w * ${THREADS}u + l;`);
    code.say(`if (i >= ${code.count(root.size)}) { return; }`);
    const value = new Expression(code, group).value(root, "i");
    code.say(`o0[${code.place("i", into, root.size)}] = ${value};`);
  });
  return {
    kernel: code.kernel(["f32"], THREADS, main),
    workgroups: Math.ceil(root.size / THREADS),
  };
}

/** The entries of a source copied to places in a larger result. */
export function copyLaunch(source: Source, size: number, into: Loops): Launch {
  const root = nodeOf({ type: "point", name: "copy", factor: 0 }, size, [source]);
  const levels = new Map([[root, "whole" as const]]);
  return pointLaunch({ root, levels, along: undefined, product: undefined }, into);
}

/** 16-bit numbers at their places, as they are: two to a word. */
export function halfLaunch(root: Node): Launch {
  const code = new Code();
  const [source] = root.sources as [Source]; // a copy has one
  const words = Math.ceil(root.size / 2);
  const main = code.block(() => {
    code.say(`let i = w * ${THREADS}u + l;`);
    code.say(`if (i >= ${code.count(words)}) { return; }`);
    const bits = [0, 1].map((half) => {
      // The last word of an odd number holds its entry twice.
      const entry = code.let(
        `entry ${half}`,
        () => `min(2u * i + ${half}u, ${code.count(root.size - 1)})`,
      );
      return code.bitsOf(source.node, code.place(entry, source.places, root.size));
    });
    code.say(`o0[i] = ${bits[0]} | (${bits[1]} << 16u);`);
  });
  return { kernel: code.kernel(["u32"], THREADS, main), workgroups: Math.ceil(words / THREADS) };
}
