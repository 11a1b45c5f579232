export { forwardCheck } from "../forward-check.ts";
export type { WrittenFile, WrittenMerge } from "../merged-files.ts";
export type { HashProgress, MergeProgress } from "../shard-pieces.ts";
export { type WriteMergeOptions, writeMerge } from "./write-merge.ts";
