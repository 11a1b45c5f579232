import { adjacentRun } from "@resolvent/tensor/rules";
import { type Launch, type Product, THREADS } from "./launch.ts";
import { together } from "./together.ts";

/**
 * Few rows: each number of the right operand is read once. Threads next to each other read what lies together: columns,
 * or, where those do not, terms; those of one column add what they found.
 */
export function thinLaunch({ code, loops, a, b }: Product): Launch {
  const { m, n, k, batch, terms } = loops;
  const lanes = adjacentRun(terms, 1) > 1 ? 64 : 4;
  const columns = THREADS / lanes;
  const rows = Array.from({ length: m }, (_, row) => row);
  const blocks = Math.ceil(n / columns);
  const isTeam = lanes > columns; // threads of a column follow each other
  if (!isTeam) code.declareOnce("sums", `var<workgroup> sums: array<f32, ${THREADS}>;`);
  const main = code.block(() => {
    const [width, depth, all] = [code.count(n), code.count(k), code.count(blocks)];
    code.say(`let g = w / ${all};`);
    code.say(`if (g >= ${code.count(batch)}) { return; }`);
    // Threads next to each other go along columns, or along terms.
    const [near, far] = isTeam ? ["lane", "own"] : ["own", "lane"];
    const nearest = Math.max(lanes, columns);
    code.say(`let ${near} = l % ${nearest}u; let ${far} = l / ${nearest}u;`);
    code.say(`let column = (w % ${all}) * ${columns}u + own;`);
    code.say(`let b_at = b_batch(g) + b_column(min(column, ${width} - 1u));`);
    code.say("let a_at = a_batch(g);");
    for (const row of rows) code.say(`let a${row} = a_at + a_row(${row}u); var s${row} = 0.0;`);
    code.say(`for (var t = lane; t < ${depth}; t += ${lanes}u) {`);
    code.say(`let y = ${b.load("(b_at + b_term(t))")}; let a_t = a_term(t);`);
    for (const row of rows) code.say(`s${row} += ${a.load(`(a${row} + a_t)`)} * y;`);
    code.say("}");
    for (const row of rows) {
      if (isTeam) code.say(`s${row} = ${together(code, lanes, "sum")}(s${row}, l);`);
      else code.say(`sums[own * ${lanes}u + lane] = s${row}; workgroupBarrier();`);
      for (let half = isTeam ? 0 : lanes / 2; half >= 1; half /= 2) {
        const at = `own * ${lanes}u + lane`;
        code.say(
          `if (lane < ${half}u) { s${row} += sums[${at} + ${half}u]; sums[${at}] = s${row}; }`,
        );
        code.say("workgroupBarrier();");
      }
      code.say(`if (lane == 0u && column < ${width}) {`);
      code.say(`finish(c_batch(g) + c_row(${row}u) + c_column(column), s${row}); }`);
    }
  });
  return { kernel: code.kernel(THREADS, main), workgroups: batch * blocks };
}
