/** The product 512×768×3072 in f32 on the ordinary kernels and on the wider ones: run it on Node 24 or later. */
import { availableParallelism, cpus, loadavg } from "node:os";
import { createCpu } from "@resolvent/cpu";
import { wideKernels } from "@resolvent/cpu/wide";
import { cpuSpeed, products } from "./matmul.ts";

const all = availableParallelism();
const [product] = products;
if (product === undefined) throw new Error("The list of products is empty.");

console.log(`${cpus()[0]?.model}, ${all} cores, Node ${process.version}`);
console.log(`Load of the last minute when it began: ${loadavg()[0]?.toFixed(1)}`);
const table: Record<string, string | number>[] = [];
for (const threads of all === 1 ? [1] : [1, 2]) {
  const options = { threads, blas: "off" };
  const ordinary = await createCpu(options);
  const wide = await createCpu({ ...options, wide: wideKernels });
  if (wide.wide?.used !== true) console.log(wide.wide?.why);
  else {
    // In turns, so that what else the machine does meets both.
    for (let turn = 1; turn <= 3; turn++) {
      table.push({
        ...{ threads, turn },
        ordinary: cpuSpeed(product, ordinary),
        wide: cpuSpeed(product, wide),
      });
    }
  }
  await ordinary.close();
  await wide.close();
}
console.log(`${product.title} in f32, GFLOP/s, median (best)`);
console.table(table);
