import { adjacentRun, type Loop } from "@resolvent/tensor/rules";
import type { Code } from "./code.ts";
import type { Launch, Product } from "./launch.ts";

/** How much of a product a workgroup makes, and how much of that a thread. */
interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** Terms that are shared at a time. */
  readonly depth: number;
  /** Rows and columns of a thread. */
  readonly own: number;
}

/** Largest first. Shared memory is below the 16 KiB that every adapter has. */
const TILES: readonly Tile[] = [
  { rows: 128, columns: 128, depth: 8, own: 8 },
  { rows: 64, columns: 64, depth: 16, own: 4 },
  { rows: 32, columns: 32, depth: 8, own: 4 },
];

/** So many workgroups keep a device busy: with fewer, smaller tiles are faster. */
const ENOUGH = 96;

/**
 * A product by tiles: a workgroup shares a block of either operand, a thread keeps a square of results. The next block
 * comes from memory while one is used.
 */
export function tiledLaunch({ code, loops, a, b }: Product): Launch {
  const { m, n, k, batch } = loops;
  const blocks = ({ rows, columns }: Tile): number => Math.ceil(m / rows) * Math.ceil(n / columns);
  const tile = TILES.find((each) => batch * blocks(each) >= ENOUGH) ?? (TILES.at(-1) as Tile); // there are some
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
      ...{ ...common, name: "a", side: "row", count: rows, start: "row0", end: height, load: a },
      ...{ free: loops.rows, terms: loops.terms, which: 0 },
    });
    const right = loader({
      ...{ ...common, name: "b", side: "column", count: columns, start: "column0", end: width },
      ...{ load: b, free: loops.columns, terms: loops.terms, which: 1 },
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
  readonly load: (place: string) => string;
  readonly free: readonly Loop[];
  readonly terms: readonly Loop[];
  /** Number of the tensor in the steps of terms. */
  readonly which: number;
}

/** How an operand's blocks come to be shared: four rows or columns of one term at a time, in one word of four. */
function loader(options: Side): {
  readonly fetch: (from: string) => void;
  readonly share: () => void;
  readonly shared: (term: string, quad: string) => string;
} {
  const { code, name, side, count, start, end, depth, threads, length, load } = options;
  const quads = count / 4;
  // One more than is used: terms that lie together are then not shared through the same bank.
  const line = quads + 1;
  code.declareOnce(
    `shared_${name}`,
    `var<workgroup> shared_${name}: array<vec4<f32>, ${line * depth}>;`,
  );
  const byTerm =
    adjacentRun(options.terms, options.which) > 1 && adjacentRun(options.free, 0) === 1;
  const parts = Array.from({ length: Math.ceil((quads * depth) / threads) }, (_, part) => {
    const at = code.constant(`l + ${part * threads}u`);
    const term = code.constant(byTerm ? `${at} % ${depth}u` : `${at} / ${quads}u`);
    const quad = code.constant(byTerm ? `${at} / ${depth}u` : `${at} % ${quads}u`);
    const places = [0, 1, 2, 3].map((i) => {
      const entry = `min(${start} + ${quad} * 4u + ${i}u, ${end} - 1u)`;
      return code.constant(`${name}_batch(g) + ${name}_${side}(${entry})`);
    });
    return { term, quad, places, kept: code.variable("vec4<f32>()") };
  });
  return {
    fetch: (from) => {
      for (const { term, places, kept } of parts) {
        // Terms past the last add nothing.
        const t = code.constant(`${from} + ${term}`);
        const place = code.constant(`${name}_term(min(${t}, ${length} - 1u))`);
        const four = places.map((own) => load(`(${own} + ${place})`)).join(", ");
        code.say(`${kept} = select(vec4<f32>(), vec4<f32>(${four}), ${t} < ${length});`);
      }
    },
    share: () => {
      for (const { term, quad, kept } of parts)
        code.say(`shared_${name}[${term} * ${line}u + ${quad}] = ${kept};`);
    },
    shared: (term, quad) => `shared_${name}[${term} * ${line}u + ${quad}]`,
  };
}
