import type { Code } from "./code.ts";
import type { Fetch, Launch, Operand, Product } from "./launch.ts";
import { type Tile, tileOf } from "./tiles.ts";

/**
 * A product by tiles: a workgroup shares a block of either operand, a thread keeps a square of results. The next block
 * comes from memory while one is used.
 */
export function tiledLaunch({ code, loops, a, b, tiles }: Product): Launch {
  const { m, n, k, batch } = loops;
  const blocks = ({ rows, columns }: Tile): number => Math.ceil(m / rows) * Math.ceil(n / columns);
  const tile = tileOf(tiles, loops);
  const { rows, columns, depth, own } = tile;
  const [across, down] = [columns / own, rows / own];
  const threads = across * down;
  const quads = own / 4;
  const main = code.block(() => {
    const [height, width, length] = [code.count(m), code.count(n), code.count(k)];
    const [wide, all] = [code.count(Math.ceil(n / columns)), code.count(blocks(tile))];
    code.say(`let g = w / ${all};`);
    code.say(`if (g >= ${code.count(batch)}) { return; }`);
    code.say(`let row0 = ((w % ${all}) / ${wide}) * ${rows}u;`);
    code.say(`let column0 = ((w % ${all}) % ${wide}) * ${columns}u;`);
    code.say(`let x = l % ${across}u; let y = l / ${across}u;`);
    const common = { code, depth, threads, length };
    const left = loader({
      ...{ ...common, name: "a", side: "row", count: rows, start: "row0", end: height },
      operand: a,
    });
    const right = loader({
      ...{ ...common, name: "b", side: "column", count: columns, start: "column0", end: width },
      operand: b,
    });
    const each = Array.from({ length: own }, () =>
      Array.from({ length: quads }, () => code.variable("vec4<f32>()")),
    );
    // The first turn only fetches, and the last only adds: so each is written once, which compiles in half the time.
    code.say(`for (var k0 = 0u; ; k0 += ${depth}u) {`);
    code.say(`if (k0 < ${length}) {`);
    left.fetch("k0");
    right.fetch("k0");
    code.say("}\nif (k0 > 0u) {");
    code.say(`for (var t = 0u; t < ${depth}u; t++) {`);
    for (let quad = 0; quad < quads; quad++) {
      code.say(`let p${quad} = ${left.shared("t", `${quad * down}u + y`)};`);
      code.say(`let q${quad} = ${right.shared("t", `${quad * across}u + x`)};`);
    }
    each.forEach((line, row) => {
      line.forEach((sum, quad) => {
        code.say(`${sum} = fma(vec4<f32>(p${row >> 2}[${row & 3}]), q${quad}, ${sum});`);
      });
    });
    code.say("}\n}");
    code.say(`if (k0 >= ${length}) { break; }`);
    code.say("workgroupBarrier();");
    left.share();
    right.share();
    code.say("workgroupBarrier();\n}");
    code.say("let c_at = c_batch(g);");
    each.forEach((line, row) => {
      const place = code.constant(`row0 + (${(row >> 2) * down}u + y) * 4u + ${row & 3}u`);
      code.say(`if (${place} < ${height}) {\nlet c_line = c_at + c_row(${place});`);
      line.forEach((sum, quad) => {
        code.say(`for (var j = 0u; j < 4u; j++) {`);
        const column = code.constant(`column0 + (${quad * across}u + x) * 4u + j`);
        code.say(
          `if (${column} < ${width}) { finish(c_line + c_column(${column}), ${sum}[j]); }\n}`,
        );
      });
      code.say("}");
    });
  });
  return { kernel: code.kernel(threads, main), workgroups: batch * blocks(tile) };
}

interface Side {
  readonly code: Code;
  readonly name: "a" | "b";
  readonly side: "row" | "column";
  /** Rows or columns of the tile, the first, and the end of all. */
  readonly count: number;
  readonly start: string;
  readonly end: string;
  readonly depth: number;
  readonly threads: number;
  readonly length: string;
  readonly operand: Operand;
}

/** How an operand's blocks come to be shared. */
interface Loader {
  /** Says the loads of the terms from a number on. */
  readonly fetch: (from: string) => void;
  /** Says that what was fetched is shared. */
  readonly share: () => void;
  readonly shared: (term: string, quad: string) => string;
}

/** A square of numbers that a thread fetches: four rows or columns, of one term or of four. */
interface Square {
  /** The first of the rows or columns, in fours, and the first term. */
  readonly quad: string;
  readonly term: string;
  /** Whether it is in the tile, where some threads have none. */
  readonly inside: string | undefined;
  readonly places: readonly string[];
  /** Four rows or columns of a term each, or, while terms lie together, four terms of a row or column each. */
  readonly kept: readonly string[];
}

/** Blocks are shared four rows or columns of one term at a time, in one word of four. */
function loader(options: Side): Loader {
  const { code, name, side, count, start, end, depth, threads, length, operand } = options;
  const quads = count / 4;
  // One more than is used: terms that lie together are then not shared through the same bank.
  const line = quads + 1;
  code.declareOnce(
    `shared_${name}`,
    `var<workgroup> shared_${name}: array<vec4<f32>, ${line * depth}>;`,
  );
  const { fetch } = operand;
  const tall = fetch === "along" ? 4 : 1; // terms of a square
  const terms = depth / tall;
  const all = quads * terms;
  const squares = Array.from({ length: Math.ceil(all / threads) }, (_, part): Square => {
    const at = code.constant(`l + ${part * threads}u`);
    const byTerm = fetch === "along" || fetch === "terms";
    const term = code.constant(
      `(${byTerm ? `${at} % ${terms}u` : `${at} / ${quads}u`}) * ${tall}u`,
    );
    const quad = code.constant(byTerm ? `${at} / ${terms}u` : `${at} % ${quads}u`);
    const places = (fetch === "across" ? [0] : [0, 1, 2, 3]).map((i) => {
      const least = fetch === "across" ? 4 : 1;
      const entry = `min(${start} + ${quad} * 4u + ${i}u, ${end} - ${least}u)`;
      return code.constant(`${name}_batch(g) + ${name}_${side}(${entry})`);
    });
    const kept = Array.from({ length: tall }, () => code.variable("vec4<f32>()"));
    const isFull = (part + 1) * threads <= all;
    return { term, quad, inside: isFull ? undefined : `${at} < ${all}u`, places, kept };
  });
  const put = (term: string, quad: string, value: string): void =>
    code.say(`shared_${name}[${term} * ${line}u + ${quad}] = ${value};`);
  return {
    fetch: (from) => {
      for (const { term, places, kept } of squares) {
        // Terms past the last add nothing.
        const t = code.constant(`${from} + ${term}`);
        const place = code.constant(`${name}_term(min(${t}, ${length} - ${tall}u))`);
        const values = valuesOf(operand, fetch, places, place);
        kept.forEach((name, i) => {
          code.say(`${name} = select(vec4<f32>(), ${values[i]}, ${t} < ${length});`);
        });
      }
    },
    share: () => {
      for (const { term, quad, inside, kept } of squares) {
        if (inside !== undefined) code.say(`if (${inside}) {`);
        if (tall === 1) put(term, quad, kept[0] ?? "");
        else {
          for (const [i, c] of [..."xyzw"].entries())
            put(`(${term} + ${i}u)`, quad, `vec4<f32>(${kept.map((row) => `${row}.${c}`).join()})`);
        }
        if (inside !== undefined) code.say("}");
      }
    },
    shared: (term, quad) => `shared_${name}[${term} * ${line}u + ${quad}]`,
  };
}

/** The loads of a square. */
function valuesOf(
  { load, four }: Operand,
  fetch: Fetch,
  places: readonly string[],
  term: string,
): string[] {
  const at = places.map((own) => `(${own} + ${term})`);
  if (fetch === "across" || fetch === "along") return at.map(four);
  return [`vec4<f32>(${at.map(load).join(", ")})`];
}
