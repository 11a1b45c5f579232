import { openModel } from "resolvent";
import { prompts } from "./prompts.ts"; // your texts

const lm = await openModel("tales");
const without = lm.ablate({ heads: ["L2.H2"], with: { mean: prompts } });
for (const prompt of prompts) {
  const [before] = (await lm.run(prompt)).next(1);
  const [after] = (await without.run(prompt)).next(1);
  console.log(before?.text, before?.probability, after?.text, after?.probability);
}
