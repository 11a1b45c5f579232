import { Code } from "./code.ts";
import { type Launch, THREADS } from "./launch.ts";
import type { Node, Source, Work } from "./node.ts";
import type { Span } from "./parts.ts";
import { groupsFor, sayEntry } from "./point.ts";
import { aroundSpan, extent, listOf } from "./spans.ts";
import { inSteps } from "./steps.ts";
import type { Traits } from "./traits.ts";

type PutWork = Extract<Work, { type: "put" }>;

/** Sums by row, one entry a thread: the rows of the source that belong there, in the order in which they came. */
export function putLaunches(root: Node, work: PutWork, traits: Traits): Launch[] {
  return inSteps([0, root.size], traits, (span) => putLaunch(root, work, traits, span));
}

function putLaunch(root: Node, { around, count }: PutWork, traits: Traits, span: Span): Launch {
  const [numbers, starts, order] = root.sources as [Source, Source, Source];
  const { size, inner } = around;
  const [first, end] = aroundSpan(span, inner, 1); // rows of all outer ones, counted through
  const [outer, last] = [Math.floor(first / size), Math.floor((end - 1) / size)];
  const rows: Span = outer === last ? [first % size, ((end - 1) % size) + 1] : [0, size];
  const at = rows.map((row) => listOf(starts.node)[row]) as [number, number]; // within
  const [least, most] = extent(listOf(order.node).subarray(...at));
  const from = numbers.places.start;
  const read: Span = [from + (outer * count + least) * inner, from + (last * count + most) * inner];
  const code = new Code(traits, new Map([[numbers.node, read]]));
  const write = code.output({ type: "f32", words: root.size, span });
  const main = code.block(() => {
    const [every, step, all] = [code.count(size), code.count(inner), code.count(count)];
    sayEntry(code, span);
    code.say(`let row = (i / ${step}) % ${every};`);
    code.say(`let first = i / (${step} * ${every}) * ${all};`);
    code.say(`let end = ${code.loaded(starts.node, "row + 1u")};`);
    code.say("var sum = 0.0;");
    code.say(`for (var t = ${code.loaded(starts.node, "row")}; t < end; t++) {`);
    const place = `(first + ${code.loaded(order.node, "t")}) * ${step} + i % ${step}`;
    code.say(`sum += ${code.loaded(numbers.node, `${place} + ${code.count(from)}`)};`);
    code.say(`}\n${write("i", "sum")}`);
  });
  return { kernel: code.kernel(THREADS, main), workgroups: groupsFor(span) };
}
