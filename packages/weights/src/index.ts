export type { WholeFile } from "./answer.ts";
export { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
export { bitsInto, decodeInto, decodeNumbers, type NumbersOf, type RawTensor } from "./decode.ts";
export { bytesPerEntry, DTYPES, type Dtype, isDtype, tensorBytes } from "./dtype.ts";
export { encodeNumbers } from "./encode.ts";
export { narrowBF16, narrowF16, widenBF16, widenF16 } from "./float16.ts";
export { type Folder, isFileName, memoryFolder, urlFolder } from "./folder.ts";
export type { Header, TensorInfo } from "./header.ts";
export { parsePythonJson } from "./json.ts";
export { didYouMean, nearestNames } from "./nearest.ts";
export { openSafetensors, readTensor, type SafetensorsFile } from "./safetensors.ts";
export {
  type Answer,
  type ByteRange,
  type ByteSource,
  blobSource,
  type Elsewhere,
  memorySource,
  type Part,
  type Progress,
  type ReadOptions,
} from "./source.ts";
export { readOnThread, type ThreadFolder, type ThreadOptions } from "./thread.ts";
export { type UrlOptions, urlSource } from "./url.ts";
export {
  inFileOrder,
  safetensorsChunks,
  type TensorToWrite,
  type WriteOptions,
  writeSafetensors,
} from "./write.ts";
