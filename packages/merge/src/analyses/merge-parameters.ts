import type { NewFolder, Parameters, TextFile } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  fileParameter,
  flagParameter,
  newFolderParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import type { Trimming } from "../plan.ts";

export interface MergeParameters {
  readonly config: TextFile;
  readonly out?: NewFolder | undefined;
  readonly seed: number;
  readonly rescaling: "l1" | "probability";
  readonly trimming: Trimming;
  readonly shardBytes: number;
  readonly hash: boolean;
  readonly verify: boolean;
}

/** The largest seed: masks depend on it modulo 2³². */
const MAX_SEED = 2 ** 32 - 1;

/** Bytes of a file of weights at least: smaller ones would be one a tensor. */
const LEAST_SHARD = 1000;

export const mergeParameters: Parameters<MergeParameters> = parameters({
  config: fileParameter("what is merged, and how: YAML as mergekit reads it", {
    ...{ argument: true, required: true },
  }),
  out: newFolderParameter("folder that the merge is written to, which must not be there", {
    ...{ argument: true, fresh: true },
  }),
  seed: countParameter("of random masks", { default: 42, most: MAX_SEED, title: "n" }),
  rescaling: choiceParameter(
    "what `rescale` keeps of a task vector: its L1 norm, as mergekit does, or its expectation, as the papers do",
    ["l1", "probability"],
    { default: "l1" },
  ),
  trimming: choiceParameter(
    "over what ties takes the largest entries: each tensor, as mergekit does, or all of a model, as its paper does",
    ["tensor", "model"],
    { default: "tensor" },
  ),
  shardBytes: countParameter("bytes of data in a file of weights at most", {
    ...{ default: 5e9, least: LEAST_SHARD, title: "n" },
  }),
  hash: flagParameter("hash the weights that are read and written", { default: true }),
  verify: flagParameter("load what was written and run a token", { default: true }),
});
