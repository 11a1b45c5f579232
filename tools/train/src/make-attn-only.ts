/** Trains `attn-only-2l` by its recipe and writes it with its card: `node dist/make-attn-only.js --out FOLDER [--overwrite] [--threads N]`. */
import { attnOnlyCard } from "./attn-only-card.ts";
import { measureInduction } from "./induction.ts";
import { makingCommand } from "./making-command.ts";
import { attnOnlyRecipe } from "./recipe.ts";
import { repeatedTokens } from "./repeats.ts";

await makingCommand(attnOnlyRecipe, {
  prefix: "",
  measure: (engine, { encoder, model }) => {
    const rows = repeatedTokens({ encoder, seed: 7, count: 32, length: 50 });
    return { induction: measureInduction(engine, model, rows) };
  },
  card: attnOnlyCard,
});
