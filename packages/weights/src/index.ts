export { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
export { bitsInto, decodeInto, decodeNumbers, type NumbersOf, type RawTensor } from "./decode.ts";
export { bytesPerEntry, DTYPES, type Dtype, isDtype, tensorBytes } from "./dtype.ts";
export { encodeNumbers } from "./encode.ts";
export { narrowBF16, narrowF16, widenBF16, widenF16 } from "./float16.ts";
export { type Folder, isFileName, memoryFolder, urlFolder } from "./folder.ts";
export type { Header, TensorInfo } from "./header.ts";
export { hubFolder } from "./hub/folder.ts";
export type { HubOptions } from "./hub/options.ts";
export type { HubProgress } from "./hub/rate.ts";
export type { HubFolder } from "./hub/snapshot.ts";
export { parsePythonJson } from "./json.ts";
export { openSafetensors, readTensor, type SafetensorsFile } from "./safetensors.ts";
export { checkpointSha256, type DigestStore, type HashOptions } from "./sha256.ts";
export {
  type ByteSource,
  blobSource,
  memorySource,
  type Progress,
  type ReadOptions,
} from "./source.ts";
export { type UrlOptions, urlSource } from "./url.ts";
export {
  safetensorsChunks,
  type TensorToWrite,
  type WriteOptions,
  writeSafetensors,
} from "./write.ts";
