export { forwardCheck } from "./forward-check.ts";
export {
  type WriteMergeOptions,
  type WrittenFile,
  type WrittenMerge,
  writeMerge,
} from "./write-merge.ts";
export type { MergeProgress } from "./write-shards.ts";
