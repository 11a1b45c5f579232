import { Code } from "./code.ts";
import { type Launch, THREADS } from "./launch.ts";
import type { Node, Source, Work } from "./node.ts";

/** Sums by row, one entry a thread: the rows of the source that belong there, in the order in which they came. */
export function putLaunch(root: Node, { around, count }: Extract<Work, { type: "put" }>): Launch {
  const [numbers, starts, order] = root.sources as [Source, Source, Source];
  const code = new Code();
  const main = code.block(() => {
    const [size, inner, all] = [
      code.count(around.size),
      code.count(around.inner),
      code.count(count),
    ];
    code.say(`let i = w * ${THREADS}u + l;`);
    code.say(`if (i >= ${code.count(root.size)}) { return; }`);
    code.say(`let row = (i / ${inner}) % ${size};`);
    code.say(`let first = i / (${inner} * ${size}) * ${all};`);
    code.say(`let end = ${code.loaded(starts.node, "row + 1u")};`);
    code.say("var sum = 0.0;");
    code.say(`for (var t = ${code.loaded(starts.node, "row")}; t < end; t++) {`);
    const place = `(first + ${code.loaded(order.node, "t")}) * ${inner} + i % ${inner}`;
    const from = code.count(numbers.places.start);
    code.say(`sum += ${code.loaded(numbers.node, `${place} + ${from}`)};`);
    code.say("}\no0[i] = sum;");
  });
  return {
    kernel: code.kernel(["f32"], THREADS, main),
    workgroups: Math.ceil(root.size / THREADS),
  };
}
