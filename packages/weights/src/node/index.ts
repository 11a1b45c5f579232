export { fileSource, folderOf } from "./file.ts";
export { checkpointSha256 } from "./sha256.ts";
export { type WriteFileOptions, writeSafetensorsFile } from "./write.ts";
