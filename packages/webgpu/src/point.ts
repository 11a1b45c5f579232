import { Code } from "./code.ts";
import { Expression } from "./expression.ts";
import type { Group } from "./groups.ts";
import { type Launch, THREADS } from "./launch.ts";
import { inLine, type Loops, nodeOf, type Source } from "./node.ts";
import type { Span } from "./parts.ts";
import { neededFor, reach } from "./spans.ts";
import { inSteps } from "./steps.ts";
import type { Traits } from "./traits.ts";

/** One entry a thread, each from what is at its places. */
export function pointLaunches(group: Group, traits: Traits): Launch[] {
  const { size } = group.root;
  return intoLaunches(group, traits, { into: inLine(size), size });
}

/** The same, into places of a result of `size` entries. */
function intoLaunches(
  group: Group,
  traits: Traits,
  { into, size }: { readonly into: Loops; readonly size: number },
): Launch[] {
  const { root } = group;
  return inSteps([0, root.size], traits, (span) => {
    const code = new Code(traits, neededFor(group, span));
    const write = code.output({ type: "f32", words: size, span: reach(into, span) });
    const main = code.block(() => {
      sayEntry(code, span);
      const value = new Expression(code, group).value(root, "i");
      code.say(write(code.place("i", into, root.size), value));
    });
    return { kernel: code.kernel(THREADS, main), workgroups: groupsFor(span) };
  });
}

/** `i`, a thread's own of a span of entries. */
export function sayEntry(code: Code, [from, to]: Span): void {
  code.say(`let i = w * ${THREADS}u + l${from === 0 ? "" : ` + ${code.count(from)}`};`);
  code.say(`if (i >= ${code.count(to)}) { return; }`);
}

/** Workgroups with a thread for each entry of a span. */
export function groupsFor([from, to]: Span): number {
  return Math.ceil((to - from) / THREADS);
}

/** The `count` entries of a source copied to places in a result of `size`. */
export function copyLaunches(
  source: Source,
  count: number,
  traits: Traits,
  to: { readonly into: Loops; readonly size: number },
): Launch[] {
  const root = nodeOf({ type: "point", name: "copy", factor: 0 }, count, [source]);
  const levels = new Map([[root, "whole" as const]]);
  return intoLaunches({ root, levels, along: undefined, product: undefined }, traits, to);
}

/** 16-bit numbers at their places, as they are: two to a word. */
export function halfLaunches(group: Group, traits: Traits): Launch[] {
  const words = Math.ceil(group.root.size / 2);
  return inSteps([0, words], traits, (span) => halfLaunch(group, traits, span));
}

function halfLaunch(group: Group, traits: Traits, span: Span): Launch {
  const { root } = group;
  const [source] = root.sources as [Source]; // a copy has one
  const entries: Span = [2 * span[0], Math.min(root.size, 2 * span[1])];
  const code = new Code(traits, neededFor(group, entries));
  const write = code.output({ type: "u32", words: Math.ceil(root.size / 2), span });
  const main = code.block(() => {
    sayEntry(code, span);
    const bits = [0, 1].map((half) => {
      // The last word of an odd number holds its entry twice.
      const entry = code.let(
        `entry ${half}`,
        () => `min(2u * i + ${half}u, ${code.count(root.size - 1)})`,
      );
      return code.bitsOf(source.node, code.place(entry, source.places, root.size));
    });
    code.say(write("i", `${bits[0]} | (${bits[1]} << 16u)`));
  });
  return { kernel: code.kernel(THREADS, main), workgroups: groupsFor(span) };
}
