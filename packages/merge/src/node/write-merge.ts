import { lstat, readdir, rename, rm, rmdir, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Folder, ReadOptions } from "@resolvent/weights";
import {
  checkpointSha256,
  folderOf,
  holdFolder,
  isHold,
  makeFolder,
  writePieces,
} from "@resolvent/weights/node";
import type { MergeOptions } from "../merge-tensor.ts";
import { besideWeights, type WrittenMerge } from "../merged-files.ts";
import type { OpenMergeModel } from "../model.ts";
import { mergeBytes } from "../output.ts";
import type { MergePlan } from "../plan.ts";
import { refuse } from "../refuse.ts";
import { resultFiles } from "../result-files.ts";
import type { HashProgress, MergeProgress } from "../shard-pieces.ts";
import { shardsOf } from "../shards.ts";
import { mergeKey, readState } from "./state.ts";
import { usualThreads } from "./threads.ts";
import { writeShards } from "./write-shards.ts";

export interface WriteMergeOptions extends MergeOptions, ReadOptions {
  /** The configuration's text, for `mergekit_config.yml` and the model card. */
  readonly config: string;
  /** Most bytes of data in a file; default 5·10⁹. */
  readonly shardBytes?: number;
  /** Whether weights are hashed for the model card, the result's and, which reads them once more, the models'; default true. */
  readonly hash?: boolean;
  /** Threads that compute, on which nothing depends but time; default one for each core, at most 8, and on two cores one for light methods. */
  readonly threads?: number;
  /** Asked of the finished folder before it gets its name; what it throws leaves the folder without. */
  readonly verify?: (folder: Folder) => Promise<void>;
  readonly onProgress?: (progress: MergeProgress) => void;
  /** Hears how far hashing is of what is only read for that: the models, and files that an earlier run has written. */
  readonly onHash?: (progress: HashProgress) => void;
}

/**
 * Carries a plan out: reads the models tensor by tensor, and writes a model's folder. It works in `PATH.merging` beside it,
 * and gives the folder its name when every byte is on the disk and `verify` has passed; so there is never a folder at the path
 * that is not whole. Begun again after it was stopped, it goes on with the first file that is not finished; the result has
 * the same bytes. Nothing that is there is replaced, and one run at a time works there.
 *
 * @throws InputError `merge/exists`, `merge/other-merge`, `merge/busy`, `merge/no-space`, `merge/unwritable`, and what merging,
 * reading and `verify` throw
 */
export async function writeMerge(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  path: string,
  options: WriteMergeOptions,
): Promise<WrittenMerge> {
  const { shardBytes = 5e9, seed = 42, rescaling = "l1" } = options;
  const target = resolve(path);
  const work = `${target}.merging`;
  const model = join(work, "model");
  if (await exists(target)) throw taken(path);
  const key = await mergeKey(plan, models, { shardBytes, seed, rescaling });
  await checkOwn(work, model, key); // before anything is put there
  const others = await resultFiles(plan, models, options);
  const shards = shardsOf(plan, models, shardBytes);
  const letGo = await held(work);
  try {
    if (await exists(target)) throw taken(path); // another run has ended meanwhile
    await begin(work, model, key);
    await checkSpace(plan, models, target, model);
    const written = await fill(plan, models, model, { ...options, seed, others, shards });
    await publish(model, target, path);
    // Another that waits for its turn may have a file there, and will see that the model is.
    await rm(work, { recursive: true, force: true }).catch(() => {});
    return written;
  } finally {
    await letGo();
    await rmdir(work).catch(() => {}); // where nothing was done there
  }
}

/** Writes all files of the model, and has it verified. */
async function fill(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  model: string,
  {
    others,
    shards,
    ...options
  }: WriteMergeOptions & {
    readonly seed: number;
    readonly others: Awaited<ReturnType<typeof resultFiles>>;
    readonly shards: ReturnType<typeof shardsOf>;
  },
): Promise<WrittenMerge> {
  const { config, seed, signal } = options;
  const hashes = await writeShards(plan, models, shards, model, {
    threads: usualThreads(plan.method),
    ...options,
  });
  const written = new Map<string, number>();
  const inputs = await inputHashes(models, options);
  const facts = { config, models: inputs, files: hashes, seed };
  for (const [file, bytes] of besideWeights(plan, shards, others, facts)) {
    written.set(file, bytes.length);
    await writePieces(join(model, file), one(bytes), { overwrite: true, signal });
  }
  await options.verify?.(folderOf(model));
  signal?.throwIfAborted();
  for (const [file] of hashes) written.set(file, Number((await lstat(join(model, file))).size));
  const files = [...written].map(([name, bytes]) => ({ name, bytes, sha256: hashes.get(name) }));
  return { models: inputs, files };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

function taken(path: string): Error {
  return refuse(
    "exists",
    `${path}: there is something already.`,
    "Name another folder: nothing is replaced.",
    { path },
  );
}

/** Holds the folder to work in, among all runs. */
async function held(work: string): Promise<() => Promise<void>> {
  let letGo: (() => Promise<void>) | undefined;
  try {
    letGo = await holdFolder(work);
  } catch (cause) {
    throw unwritable(work, cause);
  }
  if (letGo !== undefined) return letGo;
  throw refuse(
    "busy",
    `Another run is at work in ${work}.`,
    "Wait until it has ended, or name another folder; where it has died with its machine or container, delete .held.* in there, or wait for ten minutes.",
    { path: work },
  );
}

/** Refuses a folder to work in that another merge, or nothing of ours, has made; gives whether what is in it may stay. */
async function checkOwn(work: string, model: string, key: string | undefined): Promise<boolean> {
  if (!(await exists(work)) || (await untouched(work, model))) return true;
  const state = await readState(join(work, STATE));
  if (state === undefined || (state.key !== "" && key !== undefined && state.key !== key)) {
    throw refuse(
      "other-merge",
      `${work} is ${state === undefined ? "no folder of a merge" : "what another merge has begun, or its models have changed"}.`,
      "Delete it, or name another folder.",
      { path: work },
    );
  }
  // What was begun on files that could not be told from changed ones is begun again.
  return key !== undefined && state.key === key;
}

/** What says which merge works in a folder. */
const STATE = "state.json";

/** Makes the folder of the model, or takes up the one that a run of the same merge has left. */
async function begin(work: string, model: string, key: string | undefined): Promise<void> {
  if (!(await checkOwn(work, model, key))) await rm(model, { recursive: true, force: true });
  try {
    await makeFolder(model);
    const state = new TextEncoder().encode(JSON.stringify({ key: key ?? "" }));
    await writePieces(join(work, STATE), one(state), { overwrite: true });
    for (const left of await readdir(model)) {
      if (isLeft(left)) await rm(join(model, left), { force: true });
    }
  } catch (cause) {
    throw unwritable(work, cause);
  }
}

function unwritable(work: string, cause: unknown): Error {
  return refuse(
    "unwritable",
    `${work} could not be written: ${cause instanceof Error ? cause.message : String(cause)}.`,
    "Check that the folder above exists, its permissions, and the free space.",
    { path: work },
  );
}

/** Whether nothing but what a merge makes first is in a folder: it was stopped before it wrote its state. */
async function untouched(work: string, model: string): Promise<boolean> {
  const entries = await readdir(work).catch(() => ["?"]);
  const inside = await readdir(model).catch(() => []);
  const first = (name: string): boolean => name === "model" || isLeft(name) || isHold(name);
  return inside.length === 0 && entries.every(first);
}

/** Whether a name is one of those under which files are written before they are whole. */
function isLeft(name: string): boolean {
  return /^\..*\.tmp$/.test(name);
}

async function checkSpace(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  target: string,
  model: string,
): Promise<void> {
  let there = 0;
  for (const file of await readdir(model)) there += Number((await lstat(join(model, file))).size);
  const { written } = mergeBytes(plan, models);
  const { bavail, bsize } = await statfs(dirname(target));
  const free = bavail * bsize;
  if (written - there <= free) return;
  throw refuse(
    "no-space",
    `The result takes ${written} bytes, of which ${there} are there; the disk has ${free} left.`,
    "Make room, or name a folder on another disk.",
    { needs: written - there, free },
  );
}

async function inputHashes(
  models: ReadonlyMap<string, OpenMergeModel>,
  { hash = true, onHash, signal }: WriteMergeOptions,
): Promise<ReadonlyMap<string, string | undefined>> {
  const hashes = new Map<string, string | undefined>();
  for (const [name, { checkpoint }] of models) {
    const onProgress = (far: Omit<HashProgress, "name">): void => onHash?.({ name, ...far });
    hashes.set(name, hash ? await checkpointSha256(checkpoint, { signal, onProgress }) : undefined);
  }
  return hashes;
}

/** Gives the finished folder its name, unless something has taken it meanwhile. */
async function publish(model: string, target: string, path: string): Promise<void> {
  if (await exists(target)) throw taken(path);
  try {
    await rename(model, target);
  } catch (error) {
    throw (await exists(target)) ? taken(path) : error;
  }
}
