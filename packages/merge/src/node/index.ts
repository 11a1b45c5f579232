export { type MergeProgress, type WriteMergeOptions, writeMerge } from "./write-merge.ts";
