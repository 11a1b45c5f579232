import type { Code } from "./code.ts";
import { THREADS } from "./launch.ts";

/**
 * The name of a function that joins a number of each thread of a team, threads that follow each other. All of a
 * workgroup must call it.
 */
export function together(code: Code, team: number, joined: "sum" | "max"): string {
  const name = `team_${joined}_${team}`;
  const both = (x: string, y: string): string =>
    joined === "sum" ? `${x} + ${y}` : `max(${x}, ${y})`;
  const { lanes } = code.traits;
  if (lanes < team || lanes === 0)
    code.declareOnce("shared_", `var<workgroup> shared_: array<f32, ${THREADS}>;`);
  const body = lanes === 0 ? inMemory(team, both) : inSubgroups(team, lanes, both);
  if (lanes > 0) code.enable("subgroups");
  code.declareOnce(name, `fn ${name}(x: f32, l: u32) -> f32 {\nvar t = x;\n${body}\n}`);
  return name;
}

type Both = (x: string, y: string) => string;

function inMemory(team: number, both: Both): string {
  const steps: string[] = [];
  for (let half = team / 2; half >= 1; half /= 2) {
    // Each thread keeps its own in a register; what it reads was written before the last meeting.
    const next = both("t", `shared_[l + ${half}u]`);
    steps.push(`if (l % ${team}u < ${half}u) { t = ${next}; shared_[l] = t; } workgroupBarrier();`);
  }
  return `shared_[l] = t; workgroupBarrier();
${steps.join("\n")}
let all = shared_[l - l % ${team}u]; workgroupBarrier();
return all;`;
}

/** Within subgroups by exchange; of a team that is several, what each has found through memory. */
function inSubgroups(team: number, lanes: number, both: Both): string {
  const steps: string[] = [];
  for (let half = 1; half < Math.min(team, lanes); half *= 2)
    steps.push(`t = ${both("t", `subgroupShuffleXor(t, ${half}u)`)};`);
  if (team <= lanes) return `${steps.join("\n")}\nreturn t;`;
  const count = team / lanes;
  return `${steps.join("\n")}
if (l % ${lanes}u == 0u) { shared_[l / ${lanes}u] = t; } workgroupBarrier();
let first = l / ${team}u * ${count}u; t = shared_[first];
for (var i = 1u; i < ${count}u; i++) { t = ${both("t", "shared_[first + i]")}; }
workgroupBarrier();
return t;`;
}
