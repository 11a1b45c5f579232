/** One contestant at one task in a process of Node, measured on demand. */
import { serve } from "../torch/serve.ts";
import type { How } from "./contender.ts";
import { type ContenderName, field } from "./field.ts";
import { sample } from "./numbers.ts";
import type { EngineTask } from "./task.ts";

const { name, task, how } = JSON.parse(process.argv[2] ?? "") as {
  readonly name: ContenderName;
  readonly task: EngineTask;
  readonly how: How;
}; // it was written by the program that asks
const work = await field[name](task, how);
await serve({ is: work.is, blas: null, threads: how.threads }, async (done) => {
  const numbers = await work.turn();
  done(() => sample(task, numbers));
});
await work.close();
process.exit(); // threads of others may be left
