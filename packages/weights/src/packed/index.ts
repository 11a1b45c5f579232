export { type PackOptions, packCheckpoint } from "./pack.ts";
export { type UnpackOptions, unpackedFolder } from "./unpack.ts";
