export { forwardCheck } from "./forward-check.ts";
export {
  type MergeProgress,
  type WriteMergeOptions,
  type WrittenFile,
  type WrittenMerge,
  writeMerge,
} from "./write-merge.ts";
