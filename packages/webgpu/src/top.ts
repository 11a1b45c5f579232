import { type Axis, sizeOf, type Top } from "@resolvent/tensor";
import { arrangeShape, topShape } from "@resolvent/tensor/rules";
import { Code } from "./code.ts";
import type { Graph } from "./graph.ts";
import { type Launch, THREADS } from "./launch.ts";
import { inFull, inOrder } from "./layout.ts";
import type { Node } from "./node.ts";
import type { Span } from "./parts.ts";
import { inSteps } from "./steps.ts";
import type { WebgpuTensor } from "./tensor.ts";
import type { Traits } from "./traits.ts";

/**
 * The largest along an axis. The device finds which they are, and only those come back: the host puts the `k` of each
 * row in order.
 */
export async function top(graph: Graph, a: WebgpuTensor, axis: Axis, k: number): Promise<Top> {
  const shape = topShape(a.shape, axis, k);
  const count = sizeOf(shape);
  const length = a.shape[axis] as number; // the rule has checked the axis
  const last = arrangeShape(a.shape, [axis]);
  const source = graph.outsideScopes(() =>
    graph.scope(() => inFull(graph, inOrder(graph, a, last))),
  );
  const { queue } = graph;
  const found = new Promise<ArrayBuffer[]>((resolve, reject) => {
    graph.ask({
      node: graph.see(source),
      reject,
      use: (block) => {
        if (count === 0) {
          resolve([new ArrayBuffer(0), new ArrayBuffer(0)]);
          return undefined;
        }
        const [values, indices] = [queue.take(4 * count), queue.take(4 * count)];
        const asked = { rows: count / k, length, k, start: source.start };
        for (const launch of topLaunches(graph.see(source), asked, queue.traits))
          queue.run(launch, [block], [values, indices]);
        Promise.all([values, indices].map((each) => queue.read(each, 0, 4 * count))).then(
          resolve,
          reject,
        );
        return () => {
          queue.pool.give(values);
          queue.pool.give(indices);
        };
      },
    });
  });
  try {
    const [values = new ArrayBuffer(0), indices = new ArrayBuffer(0)] = await found;
    return inOrderOfSize({ values: new Float32Array(values), indices: new Int32Array(indices) });
  } finally {
    graph.free(source);
  }

  function inOrderOfSize(given: { values: Float32Array; indices: Int32Array }): Top {
    const data = { values: new Float32Array(count), indices: new Int32Array(count) };
    for (let row = 0; row < count; row += k) {
      const order = Array.from({ length: k }, (_, i) => row + i).sort((i, j) => {
        const [x, y] = [given.values[i] as number, given.values[j] as number]; // within
        const falling = Number(Number.isNaN(y)) - Number(Number.isNaN(x)) || y - x;
        return falling || (given.indices[i] as number) - (given.indices[j] as number); // likewise
      });
      order.forEach((from, i) => {
        data.values[row + i] = given.values[from] as number; // within
        data.indices[row + i] = given.indices[from] as number;
      });
    }
    return {
      indices: { shape, data: data.indices },
      values: { shape, data: data.values },
    };
  }
}

/** Order of floats as that of whole numbers: what is not a number above all, both zeros the same. */
const KEY = `fn key_of(bits: u32) -> u32 {
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}
fn digit(key: u32, i: u32, at: u32) -> u32 {
  return (select(~i, key, at < 4u) >> (24u - 8u * (at & 3u))) & 0xffu;
}`;

interface Asked {
  readonly rows: number;
  readonly length: number;
  readonly k: number;
  /** Place of the first number. */
  readonly start: number;
}

/**
 * A workgroup a row finds the k-th largest pair of number and place, eight bits at a time: it counts how many of what
 * is left have each value of the next eight, and goes on with the one in which the k-th is. Then it copies what is not
 * below it.
 */
function topLaunches(node: Node, asked: Asked, traits: Traits): Launch[] {
  return inSteps([0, asked.rows], traits, (span) => topLaunch(node, asked, traits, span));
}

function topLaunch(
  node: Node,
  { rows, length, k, start }: Asked,
  traits: Traits,
  [from, to]: Span,
): Launch {
  const read: Span = [start + from * length, start + to * length];
  const code = new Code(traits, new Map([[node, read]]));
  const output = { type: "u32", words: rows * k, span: [from * k, to * k] } as const;
  const [writeValue, writeIndex] = [code.output(output), code.output(output)];
  code.declareOnce("key_of", KEY);
  code.declareOnce("counts", `var<workgroup> counts: array<atomic<u32>, ${THREADS}>;`);
  code.declareOnce(
    "state",
    "var<workgroup> bound: vec2<u32>; var<workgroup> wanted: u32; var<workgroup> all_found: u32; var<workgroup> taken: atomic<u32>;",
  );
  const main = code.block(() => {
    const [n, many] = [code.count(length), code.count(k)];
    const first = code.count(start);
    code.say(`let row = w + ${code.count(from)};`);
    code.say(`if (row >= ${code.count(to)}) { return; }`);
    code.say(`let first = ${first} + row * ${n};`);
    code.say(
      `if (l == 0u) { bound = vec2<u32>(); wanted = ${many}; all_found = 0u; atomicStore(&taken, 0u); }`,
    );
    code.say("for (var at = 0u; at < 8u; at++) {");
    code.say("atomicStore(&counts[l], 0u); workgroupBarrier();");
    code.say("let so_far = bound;");
    // Bits of the pair before the ones that are looked at.
    code.say("let high = select(0xffffffffu, ~(0xffffffffu >> (8u * at)), at < 4u);");
    code.say("let low = select(0u, ~(0xffffffffu >> (8u * (at & 3u))), at > 4u);");
    code.say(`for (var j = l; j < ${n}; j += ${THREADS}u) {`);
    code.say(`let key = key_of(bitcast<u32>(${code.loaded(node, "first + j")}));`);
    code.say("if ((key & high) == (so_far.x & high) && (~j & low) == (so_far.y & low)) {");
    code.say("atomicAdd(&counts[digit(key, j, at)], 1u); } }");
    code.say("workgroupBarrier();");
    code.say("if (l == 0u) { var left = wanted; var value = 255u;");
    code.say(
      "loop { let here = atomicLoad(&counts[value]); if (here >= left || value == 0u) { break; }",
    );
    code.say("left -= here; value--; }");
    // Where all that is left is wanted, what comes after does not matter.
    code.say("if (atomicLoad(&counts[value]) == left) { all_found = 1u; }");
    code.say("wanted = left; let shift = 24u - 8u * (at & 3u);");
    code.say("if (at < 4u) { bound.x |= value << shift; } else { bound.y |= value << shift; } }");
    code.say("if (workgroupUniformLoad(&all_found) == 1u) { break; } }");
    code.say("let last = bound;");
    code.say(`for (var j = l; j < ${n}; j += ${THREADS}u) {`);
    code.say(`let bits = bitcast<u32>(${code.loaded(node, "first + j")}); let key = key_of(bits);`);
    code.say("if (key > last.x || (key == last.x && ~j >= last.y)) {");
    code.say(`let place = row * ${many} + atomicAdd(&taken, 1u);`);
    code.say(`${writeValue("place", "bits")} ${writeIndex("place", "j")} } }`);
  });
  return { kernel: code.kernel(THREADS, main), workgroups: to - from };
}
