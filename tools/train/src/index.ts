export {
  type BpeOptions,
  endOfText,
  type TokenizerJson,
  tokenizerConfig,
  trainBpe,
} from "./bpe.ts";
export { createEncoder, type Encoder } from "./encoder.ts";
export {
  type HeadScores,
  type Induction,
  type KeysWithout,
  measureInduction,
} from "./induction.ts";
export { type BatchOptions, taleBatches } from "./pack.ts";
export { freshParameters, type Parameters } from "./parameters.ts";
export { type Random, seededRandom } from "./random.ts";
export { attnOnlyRecipe, type Recipe, talesRecipe } from "./recipe.ts";
export {
  type RepeatedTokensOptions,
  type RepeatOptions,
  repeatBatches,
  repeatedTokens,
} from "./repeats.ts";
export { type LogitsOf, type Score, scoreTask } from "./score.ts";
export { type Split, type TaleOptions, taleCorpus } from "./tales/tale.ts";
export { people } from "./tales/words.ts";
export {
  agreementQuestions,
  allTasks,
  type DrawOptions,
  factQuestions,
  indirectObject,
  pronounQuestions,
  type Question,
  questionTask,
  quoteQuestions,
  type RepeatedNamesOptions,
  repeatedNames,
  type Target,
  type Task,
  type TaskCase,
} from "./tasks.ts";
export { type StepReport, type TrainOptions, train } from "./training.ts";
