import { matmulTable } from "./matmul.ts";

console.log(`Matrix products in Node ${process.version}, GFLOP/s, median (best)`);
console.table(await matmulTable((row) => console.error(JSON.stringify(row))));
