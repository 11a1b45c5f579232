export { forwardCheck } from "./forward-check.ts";
export {
  type WriteMergeOptions,
  type WrittenFile,
  type WrittenMerge,
  writeMerge,
} from "./write-merge.ts";
export type { HashProgress, MergeProgress } from "./write-shards.ts";
