export { type Nearness, nearness, type Tolerance } from "./close.ts";
export {
  describeWithFixtures,
  type Fixtures,
  findFixtures,
  fixtures,
  fixturesIn,
} from "./fixtures.ts";
export { mutated } from "./mutations.ts";
export type { Numbers, TensorLike } from "./numbers.ts";
export {
  type TinyFile,
  type TinyFolder,
  type TinyOptions,
  tinyFamilies,
  tinyModel,
} from "./tiny.ts";
export { type TinyDictionaryOptions, tinyDictionary } from "./tiny-dictionary.ts";
