import { FEW_ROWS, type Launch, type Product } from "./launch.ts";

/** Threads that a processor runs at once: lanes of its vectors. They follow each other. */
const AT_ONCE = 4;

/** Threads of a workgroup: few, so that small products are several workgroups. */
const THREADS = 16;

/** Columns of a thread. */
const COLUMNS = 4;

/**
 * A product for a processor that stands in for a GPU. A thread makes several rows and columns from what it reads where
 * it lies, since each load takes as long as several additions; it shares nothing and meets nobody. Threads that run at
 * once have columns next to each other, and each fetches another term of their rows.
 */
export function directLaunch({ code, loops, a, b }: Product): Launch {
  const { m, n, k, batch } = loops;
  const rows = Math.min(m, FEW_ROWS);
  const [across, down] = [Math.ceil(n / (THREADS * COLUMNS)), Math.ceil(m / rows)];
  const each = (count: number, say: (i: number) => string): void =>
    code.say(Array.from({ length: count }, (_, i) => say(i)).join(" "));
  const exchanges = code.traits.lanes >= AT_ONCE;
  // Most have a number of terms that needs no look past the last.
  const even = k % AT_ONCE === 0;
  if (exchanges) code.enable("subgroups");
  const main = code.block(() => {
    const [height, width, depth] = [code.count(m), code.count(n), code.count(k)];
    const [wide, all] = [code.count(across), code.count(across * down)];
    code.say(`let g = w / ${all};`);
    code.say(`if (g >= ${code.count(batch)}) { return; }`);
    code.say(`let row0 = w % ${all} / ${wide} * ${rows}u; let lane = l % ${AT_ONCE}u;`);
    const own = `l / ${AT_ONCE}u * ${AT_ONCE * COLUMNS}u + lane`;
    code.say(`let column0 = w % ${all} % ${wide} * ${THREADS * COLUMNS}u + ${own};`);
    code.say(`let end = ${depth}; let a_at = a_batch(g); let b_at = b_batch(g);`);
    const inside = (term: string): string => (even ? term : `min(${term}, end - 1u)`);
    each(rows, (i) => `let left${i} = a_at + a_row(min(row0 + ${i}u, ${height} - 1u));`);
    each(
      COLUMNS,
      (j) => `let right${j} = b_at + b_column(min(column0 + ${j * AT_ONCE}u, ${width} - 1u));`,
    );
    each(rows * COLUMNS, (i) => `var s${i} = 0.0;`);
    code.say(`for (var t = 0u; t < end; t += ${AT_ONCE}u) {`);
    /** Terms past the last add nothing. */
    const loaded = (load: string, term: string): string =>
      even ? load : `select(0.0, ${load}, ${term} < end)`;
    if (exchanges) {
      code.say(`let own = t + lane; let a_own = a_term(${inside("own")});`);
      each(rows, (i) => `let own${i} = ${loaded(a.load(`(left${i} + a_own)`), "own")};`);
    }
    for (let term = 0; term < AT_ONCE; term++) {
      code.say(`let t${term} = t + ${term}u; let at${term} = ${inside(`t${term}`)};`);
      code.say(`let b_t${term} = b_term(at${term});`);
      if (!exchanges) code.say(`let a_t${term} = a_term(at${term});`);
      each(rows, (i) =>
        exchanges
          ? `let x${term}${i} = subgroupBroadcast(own${i}, ${term}u);`
          : `let x${term}${i} = ${loaded(a.load(`(left${i} + a_t${term})`), `t${term}`)};`,
      );
      for (let j = 0; j < COLUMNS; j++) {
        const y = `y${term}${j}`;
        code.say(`let ${y} = ${loaded(b.load(`(right${j} + b_t${term})`), `t${term}`)};`);
        each(rows, (i) => `s${i * COLUMNS + j} += x${term}${i} * ${y};`);
      }
    }
    code.say("}");
    // What is made of a number is written once, which compiles in less time.
    const sums = Array.from({ length: rows * COLUMNS }, (_, i) => `s${i}`).join();
    code.say(`var sums = array<f32, ${rows * COLUMNS}>(${sums});`);
    code.say(`for (var i = 0u; i < ${rows * COLUMNS}u; i++) {`);
    code.say(
      `let row = row0 + i / ${COLUMNS}u; let column = column0 + i % ${COLUMNS}u * ${AT_ONCE}u;`,
    );
    code.say(`if (row < ${height} && column < ${width}) {`);
    code.say("finish(c_batch(g) + c_row(row) + c_column(column), sums[i]); }\n}");
  });
  return { kernel: code.kernel(THREADS, main), workgroups: batch * across * down };
}
