/** Writes the corpora that pages of docs measure on: `node dist/make-samples.js --out FOLDER`. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { copyingRecipe, tokensToCopy } from "./copying.ts";
import { createEncoder } from "./encoder.ts";
import { repeatsSample, skillSample, talesSample } from "./samples.ts";

const { values } = parseArgs({ options: { out: { type: "string" } } });
if (values.out === undefined) throw new Error("Give --out FOLDER.");

// A file of the repository, which this is a tool of: both bundled models have this tokenizer.
const tokenizer = new URL("../../../packages/models/tales/tokenizer.json", import.meta.url);
const encoder = createEncoder(JSON.parse(await readFile(tokenizer, "utf8")));
await mkdir(values.out, { recursive: true });
await writeFile(join(values.out, "tales.txt"), talesSample(120));
await writeFile(join(values.out, "repeats.txt"), repeatsSample(encoder, 60, 50));
await writeFile(join(values.out, "short-repeats.txt"), repeatsSample(encoder, 16, 30));
await writeFile(join(values.out, "copies.txt"), repeatsSample(tokensToCopy(copyingRecipe), 16, 20));
for (const skill of ["colours", "recoloured", "rows"] as const) {
  await writeFile(join(values.out, `${skill}.txt`), skillSample(skill, 12));
}
