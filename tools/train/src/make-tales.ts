/** Trains `tales` by its recipe and writes it with its card: `node dist/make-tales.js --out FOLDER [--overwrite] [--threads N]`. */
import { talesCard } from "./card.ts";
import { makingCommand } from "./making-command.ts";
import { talesRecipe } from "./recipe.ts";

await makingCommand(talesRecipe, {
  prefix: "transformer.",
  measure: () => ({}),
  card: talesCard,
});
