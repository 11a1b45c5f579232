export { openTorch, type TorchArchive, type TorchOptions } from "./archive.ts";
export {
  isTorchTensor,
  type TorchName,
  type TorchRecord,
  type TorchStorage,
  type TorchTensor,
  type TorchValue,
} from "./value.ts";
export { type TorchTensorToWrite, type TorchToWrite, torchChunks } from "./write.ts";
