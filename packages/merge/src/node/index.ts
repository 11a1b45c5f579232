export { forwardCheck } from "./forward-check.ts";
export { type MergeProgress, type WriteMergeOptions, writeMerge } from "./write-merge.ts";
