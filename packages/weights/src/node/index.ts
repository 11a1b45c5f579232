export { digestFile, digestFilePath } from "./digest-file.ts";
export { fileSource, folderOf } from "./file.ts";
export { holdFolder, isHold } from "./hold.ts";
export { hubFolder, type NodeHubOptions } from "./hub.ts";
export { makeFolder } from "./make-folder.ts";
export { readOnThread } from "./read-thread.ts";
export { checkpointSha256 } from "./sha256.ts";
export { removeLeft, temporaryBeside } from "./temporary.ts";
export { type WriteFileOptions, writePieces, writeSafetensorsFile } from "./write.ts";
