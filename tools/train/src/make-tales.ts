/** Trains `tales` by its recipe and writes it with its card: `node dist/make-tales.js --out FOLDER [--overwrite]`. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createCpu } from "@resolvent/cpu";
import { axesOf, sizeOf } from "@resolvent/tensor";
import { nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import { encodeNumbers, openCheckpoint } from "@resolvent/weights";
import { checkpointSha256, folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { endOfText, tokenizerConfig, trainBpe } from "./bpe.ts";
import { talesCard } from "./card.ts";
import { createEncoder } from "./encoder.ts";
import { taleBatches } from "./pack.ts";
import { freshParameters } from "./parameters.ts";
import { recipeBatches, talesRecipe, totalSteps } from "./recipe.ts";
import { scoreTask } from "./score.ts";
import { taleCorpus } from "./tales/tale.ts";
import { targetFolder } from "./target.ts";
import { allTasks } from "./tasks.ts";
import { modelOf, train } from "./training.ts";

const { values } = parseArgs({
  options: { out: { type: "string" }, overwrite: { type: "boolean", default: false } },
});
if (values.out === undefined) throw new Error("Give --out FOLDER.");
const out = await targetFolder(values.out, values);

const recipe = talesRecipe;
const started = performance.now();
const engine = await createCpu({ precision: "f32", blas: "off" });
const corpus = taleCorpus({ seed: recipe.seed });
const texts = Array.from({ length: recipe.tokenizer.tales }, () => String(corpus.next().value));
const tokenizer = trainBpe(texts, { vocabSize: recipe.tokenizer.vocabSize });
const encoder = createEncoder(tokenizer);
const config = {
  ...recipe.config,
  vocab_size: encoder.vocabSize,
  bos_token_id: encoder.endOfText,
  eos_token_id: encoder.endOfText,
};

let recent = 0;
const parameters = train(
  engine,
  freshParameters(engine, config, recipe.seed),
  recipeBatches(recipe, encoder),
  {
    ...recipe,
    config,
    steps: totalSteps(recipe),
    onStep: ({ step, loss, rate }) => {
      recent += loss;
      if (step % 100 !== 0) return;
      const minutes = ((performance.now() - started) / 60_000).toFixed(1);
      process.stderr.write(
        `step ${step}  loss ${(recent / 100).toFixed(4)}  rate ${rate.toExponential(2)}  ${minutes} min\n`,
      );
      recent = 0;
    },
  },
);

const model = modelOf(engine, config, parameters);
const scores = allTasks({ encoder, seed: 7, count: 500 }).map((task) =>
  scoreTask(task, (ids) => engine.scope(() => engine.read(run(engine, model, ids).logits).data)),
);
const heldOut = taleBatches({
  encoder,
  seed: recipe.seed,
  batch: 32,
  context: 127,
  split: "held-out",
});
let lossSum = 0;
const batches = 16;
let heldOutTokens = 0;
for (let n = 0; n < batches; n++) {
  const ids = heldOut.next().value;
  const rows: number[][] = [];
  for (let row = 0; row < 32; row++) rows.push([...ids.data.subarray(row * 128, (row + 1) * 128)]);
  lossSum += engine.scope(
    () =>
      engine.read(nextTokenLoss(engine, run(engine, model, rows).logits, tokenIds(rows))).data[0] ??
      Number.NaN,
  );
  heldOutTokens += 32 * 127;
}

// Everything is written beside the target first, so that a run that ends early leaves no half of a model.
const temporary = `${out}.partial`;
await rm(temporary, { recursive: true, force: true });
await mkdir(temporary, { recursive: true });
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;
await writeSafetensorsFile(
  join(temporary, "model.safetensors"),
  [...parameters].map(([name, value]) => ({
    name: `transformer.${name}`,
    dtype: "F32" as const,
    shape: axesOf(value.shape).map((axis) => value.shape[axis] ?? 0),
    bytes: encodeNumbers(engine.read(value).data, "F32"),
  })),
  { metadata: { format: "pt" } },
);
await writeFile(join(temporary, "config.json"), json(config));
await writeFile(join(temporary, "tokenizer.json"), json(tokenizer));
await writeFile(join(temporary, "tokenizer_config.json"), json(tokenizerConfig));
const sha256 = await checkpointSha256(await openCheckpoint(folderOf(temporary)));
const measured = {
  parameters: [...parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  sha256,
  heldOutLoss: lossSum / batches,
  heldOutTokens,
  scores,
  minutes: (performance.now() - started) / 60_000,
  machine: `${engine.threads} cores of ${cpus()[0]?.model.trim() ?? "a processor"}`,
};
await writeFile(join(temporary, "card.json"), json({ recipe, measured }));
await writeFile(join(temporary, "README.md"), talesCard(recipe, measured));
await rm(out, { recursive: true, force: true });
await rename(temporary, out);
process.stderr.write(talesCard(recipe, measured));
process.stderr.write(`${endOfText} is token ${encoder.endOfText}; written to ${out}\n`);
await engine.close();
