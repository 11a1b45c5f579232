import { Code } from "./code.ts";
import { Expression, ROW } from "./expression.ts";
import type { Group } from "./groups.ts";
import { type Launch, THREADS } from "./launch.ts";
import type { Node, Work } from "./node.ts";
import type { Span } from "./parts.ts";
import { aroundSpan, neededFor } from "./spans.ts";
import { inSteps } from "./steps.ts";
import { together } from "./together.ts";
import type { Traits } from "./traits.ts";

type RowsWork = Extract<Work, { type: "rows" }>;

/** Says a loop over entries of a row: `i` of a tensor, `j` along the axis; all of them where no range is given. */
type Each = (body: () => void, range?: readonly [from: string, to: string]) => void;

/**
 * Sums and norms along one axis, and what is made of them entry by entry: several threads a row where its entries lie
 * together or rows are few, one a row where neighbours are entries of other rows.
 */
export function rowsLaunches(group: Group, traits: Traits): Launch[] {
  const { outer, inner } = group.along ?? { outer: 1, inner: 1 };
  return inSteps([0, outer * inner], traits, (span) => rowsLaunch(group, traits, span));
}

function rowsLaunch(group: Group, traits: Traits, span: Span): Launch {
  const { root, along, levels } = group;
  const { size, inner } = along ?? { size: 1, inner: 1 };
  const [from, to] = span;
  const rows = to - from;
  const team = teamOf(rows, size, inner, traits);
  const threads = traits.software ? FEW_THREADS : THREADS;
  const made = levels.get(root) === "row" ? span : aroundSpan(span, inner, size * inner);
  const code = new Code(traits, neededFor(group, made));
  const write = code.output({ type: "f32", words: root.size, span: made });
  const expression = new Expression(code, group);
  const main = code.block(() => {
    const [count, step] = [code.count(size), code.count(inner)];
    const before = from === 0 ? "" : ` + ${code.count(from)}`;
    code.say(`let row = w * ${threads / team}u + l / ${team}u${before};`);
    code.say(`let lane = l % ${team}u;`);
    // Threads past the last row go along it too: all of a workgroup must meet.
    code.say(`let ${ROW} = min(row, ${code.count(to - 1)});`);
    code.say(`let first = (${ROW} / ${step}) * ${count} * ${step} + ${ROW} % ${step};`);
    const each: Each = (body, [from, to] = ["0u", count]) => {
      code.say(`for (var j = ${from} + lane; j < ${to}; j += ${team}u) {`);
      code.say(
        code.block(() => {
          code.say(`let i = first + j * ${step};`);
          body();
        }),
      );
      code.say("}");
    };
    for (const node of [...levels.keys()].reverse()) {
      const { work } = node;
      if (work.type === "rows")
        expression.known.set(node, reduced(code, expression, { node, work, each, count, team }));
    }
    for (const [node, level] of levels) if (level === "row") expression.value(node, ROW);
    if (levels.get(root) === "row") {
      const value = expression.value(root, ROW);
      code.say(`if (lane == 0u && row == ${ROW}) { ${write(ROW, value)} }`);
      return;
    }
    code.say(`if (row != ${ROW}) { return; }`);
    each(() => code.say(write("i", expression.value(root, "i"))));
  });
  return {
    kernel: code.kernel(threads, main),
    workgroups: Math.ceil(rows / (threads / team)),
  };
}

/** Threads of a workgroup on a processor: few, so that there are several workgroups. */
const FEW_THREADS = 32;

/** Threads that go along a row together. */
function teamOf(rows: number, size: number, inner: number, { software, lanes }: Traits): number {
  if (size <= 4 || (inner > 1 && (software || rows >= 4096))) return 1;
  // Those that a processor runs at once exchange numbers without meeting.
  if (software) return lanes >= 4 ? 4 : 1;
  if (size <= 32) return 8;
  return size <= 256 ? 32 : THREADS;
}

/** What is known of a row before its entries are made. */
function reduced(
  code: Code,
  expression: Expression,
  {
    node,
    work,
    each,
    count,
    team,
  }: { node: Node; work: RowsWork; each: Each; count: string; team: number },
): string[] {
  const over = (
    [start, joined]: readonly [start: string, joined: "sum" | "max"],
    of: (x: string) => string,
    range?: readonly [string, string],
  ): string => {
    const own = code.variable(start);
    each(() => {
      const x = of(expression.source(node, 0, "i"));
      code.say(joined === "sum" ? `${own} += ${x};` : `${own} = max(${own}, ${x});`);
    }, range);
    return team === 1 ? own : code.constant(`${together(code, team, joined)}(${own}, l)`);
  };
  const sum = ["0.0", "sum"] as const;
  // Below all numbers but −∞.
  const most = ["-3.4028234e38", "max"] as const;
  const same = (x: string): string => x;
  switch (work.name) {
    case "sum":
      return [over(sum, same)];
    case "center":
      return [code.constant(`${over(sum, same)} / f32(${count})`)];
    case "rms": {
      const squares = over(sum, (x) => `${x} * ${x}`);
      return [code.constant(`sqrt(${squares} / f32(${count}) + ${code.number(work.eps)})`)];
    }
    case "logsumexp": {
      const max = over(most, same);
      const exps = over(sum, (x) => `${code.call("exp_")}(${x} - ${max})`);
      const log = code.constant(`${max} + ${code.call("log_")}(${exps})`);
      return [code.constant(`select(${log}, ${max}, ${max} > 3.4028234e38)`)];
    }
    case "softmax": {
      const range = work.mask && seen(code, work.mask, count);
      const max = over(most, same, range);
      const exps = over(sum, (x) => `${code.call("exp_")}(${x} - ${max})`, range);
      return [max, code.constant(`1.0 / ${exps}`), ...(range ?? [])];
    }
  }
}

/** The keys that a row sees: from the first to before the last. */
function seen(
  code: Code,
  mask: readonly number[],
  count: string,
): readonly [from: string, to: string] {
  const [after, queries, offset, window] = mask.map((n) => code.count(n));
  const end = code.constant(`(${ROW} / ${after}) % ${queries} + ${offset} + 1u`);
  return [
    code.constant(`select(0u, ${end} - ${window}, ${end} > ${window})`),
    code.constant(`min(${count}, ${end})`),
  ];
}
