import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { type Model, nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import { type TokenizerJson, trainBpe } from "./bpe.ts";
import { createEncoder, type Encoder } from "./encoder.ts";
import { taleBatches } from "./pack.ts";
import { freshParameters, type Parameters } from "./parameters.ts";
import { configOf, type Recipe, recipeBatches, totalSteps } from "./recipe.ts";
import { taleCorpus } from "./tales/tale.ts";
import { modelOf, train } from "./training.ts";

/** What following a recipe gives. */
export interface Made<T extends Shaped> {
  readonly tokenizer: TokenizerJson;
  readonly encoder: Encoder;
  /** config.json */
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: Parameters<T>;
  readonly model: Model<T>;
}

/** Learns the tokenizer of a recipe. */
export function learnTokenizer({
  tokenizer: { tales, vocabSize, seed: own },
  seed,
}: Pick<Recipe, "tokenizer" | "seed">): Pick<Made<Shaped>, "tokenizer" | "encoder"> {
  const corpus = taleCorpus({ seed: own ?? seed });
  const texts = Array.from({ length: tales }, () => String(corpus.next().value));
  const tokenizer = trainBpe(texts, { vocabSize });
  return { tokenizer, encoder: createEncoder(tokenizer) };
}

/** Learns a recipe's tokenizer, then its model; says on stderr how far it is. */
export function makeModel<T extends Shaped>(engine: SyncEngine<T>, recipe: Recipe): Made<T> {
  const started = performance.now();
  const { tokenizer, encoder } = learnTokenizer(recipe);
  const config = configOf(recipe, encoder);
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
  return { tokenizer, encoder, config, parameters, model: modelOf(engine, config, parameters) };
}

/** Mean next-token loss on tales that are never trained on, nats, and how many tokens were predicted. */
export function lossOnTales<T extends Shaped>(
  engine: SyncEngine<T>,
  { model, encoder }: Pick<Made<T>, "model" | "encoder">,
  seed: number,
): { readonly heldOutLoss: number; readonly heldOutTokens: number } {
  const [batches, batch, context] = [16, 32, 127];
  const heldOut = taleBatches({ encoder, seed, batch, context, split: "held-out" });
  const pos = context + 1;
  let sum = 0;
  for (let n = 0; n < batches; n++) {
    const { data } = heldOut.next().value;
    const rows = Array.from({ length: batch }, (_, row) => [
      ...data.subarray(row * pos, (row + 1) * pos),
    ]);
    sum += engine.scope(() => {
      const { logits } = run(engine, model, rows);
      return engine.read(nextTokenLoss(engine, logits, tokenIds(rows))).data[0] ?? Number.NaN;
    });
  }
  return { heldOutLoss: sum / batches, heldOutTokens: batches * batch * context };
}
