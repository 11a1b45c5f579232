import { openModel } from "resolvent";

const lm = await openModel("tales");
const { trace } = await lm.run("Once upon a time there was a cat.", { sites: ["*.pattern"] });
for (const [site, pattern] of trace)
  for (const [head, rows] of pattern.nested("head", "pos", "key_pos").entries()) {
    const before = rows.slice(1).map((row, pos) => row[pos] ?? 0);
    console.log(site, head, before.reduce((a, b) => a + b) / before.length);
  }
