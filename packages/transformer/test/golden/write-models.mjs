// Writes the model of each case into a folder of its own: node write-models.mjs OUT
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const out = process.argv[2];
if (out === undefined) throw new Error("Usage: node write-models.mjs OUT");
const here = fileURLToPath(new URL(".", import.meta.url));
const testkit = fileURLToPath(new URL("../../../../tools/testkit/src/tiny.ts", import.meta.url));
const { module } = await runnerImport(testkit);

const cases = JSON.parse(readFileSync(join(here, "cases.json"), "utf8"));
for (const [i, { family, fields }] of cases.entries()) {
  const model = module.tinyModel(family, { seed: 1, ...fields });
  mkdirSync(join(out, `${i}`), { recursive: true });
  for (const name of ["config.json", "model.safetensors"]) {
    const file = await model.open(name);
    writeFileSync(join(out, `${i}`, name), await file.read(0, await file.size()));
  }
}
