// What tests in browsers may import too: nothing here reads files.
export { type TinyFolder, tinyFamilies, tinyModel } from "./tiny.ts";
export { type TinyDictionaryOptions, tinyDictionary } from "./tiny-dictionary.ts";
