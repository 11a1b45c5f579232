import { InputError } from "@resolvent/tensor";
import { type Checkpoint, type Folder, openCheckpoint } from "@resolvent/weights";
import { loadConfig } from "./families/loaded.ts";
import type { ReadConfig } from "./families/read-config.ts";
import { generationEnds, readJson } from "./files.ts";
import { sameNumbers } from "./tied.ts";
import { someNames, type Warning } from "./warning.ts";

/** A model's files: its config, read, and the headers of its weights. */
export interface Parts extends ReadConfig {
  readonly checkpoint: Checkpoint;
  readonly names: Names;
}

/**
 * Reads config.json, the headers of the weights, and generation_config.json.
 *
 * @throws InputError `transformer/no-config`, what `loadConfig` and `openCheckpoint` throw
 */
export async function openParts(folder: Folder, signal: AbortSignal | undefined): Promise<Parts> {
  const config = await readJson(folder, "config.json", { signal });
  if (config === undefined) {
    throw new InputError({
      code: "transformer/no-config",
      message: `${folder.name} has no config.json.`,
      remedy: "Name a folder that holds config.json and model.safetensors.",
      details: { folder: folder.name },
    });
  }
  const read = await loadConfig(config);
  const checkpoint = await openCheckpoint(folder, { signal });
  const prefix = prefixOf(read, checkpoint);
  const tie = await tieOf(read, checkpoint, prefix, signal);
  const ends = await generationEnds(folder, { signal });
  const architecture = {
    ...read.architecture,
    tied: tie.tied,
    ...(ends.eos !== undefined && { eos: ends.eos }),
  };
  const names = namesOf({ ...read, architecture }, checkpoint, prefix);
  return {
    ...read,
    architecture,
    checkpoint,
    names,
    warnings: [
      ...read.warnings,
      ...tie.warnings,
      ...denials(names, checkpoint),
      ...partsLeftOut(names, checkpoint),
      ...ends.warnings,
      ...(await adapters(folder, signal)),
    ],
  };
}

/** Whether embedding and unembedding are one: where the config says so, and the file has not two that differ. */
async function tieOf(
  { family, architecture }: ReadConfig,
  checkpoint: Checkpoint,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly tied: boolean; readonly warnings: readonly Warning[] }> {
  const { tied } = architecture;
  const stored = (name: string): string | undefined => storedName(checkpoint, prefix, name);
  const embedding = family.tie && stored(family.tie.embedding);
  const unembedding = family.tie && stored(family.tie.unembedding);
  if (!tied || embedding === undefined || unembedding === undefined) return { tied, warnings: [] };
  if (await sameNumbers(checkpoint, embedding, unembedding, signal)) return { tied, warnings: [] };
  const warning: Warning = {
    code: "untied",
    message: `config.json says that the unembedding is the embedding (tie_word_embeddings), and the weights have both, ${embedding} and ${unembedding}, with different numbers. They are used as they are stored.`,
  };
  return { tied: false, warnings: [warning] };
}

/** What is said of a folder with an adapter, which transformers would add to the weights. */
async function adapters(folder: Folder, signal: AbortSignal | undefined): Promise<Warning[]> {
  const file = "adapter_config.json";
  const found = await folder.open(file, { signal }).catch(() => undefined); // some servers refuse instead
  signal?.throwIfAborted();
  if (found === undefined) return [];
  const message = `${folder.name} has an adapter (${file}). It is not applied: the model is that of its weights alone.`;
  return [{ code: "adapter", message }];
}

/** What is said of tensors that the config denies. */
function denials({ denied }: Names, { name }: Checkpoint): Warning[] {
  if (denied.length === 0) return [];
  return [
    {
      code: "denied-tensors",
      message: `${name} holds ${denied.length} biases that config.json denies, and they are not used: ${someNames(denied)}.`,
    },
  ];
}

/** What is said of tensors that belong to no text model. */
function partsLeftOut({ leftOut }: Names, { name }: Checkpoint): Warning[] {
  if (leftOut.length === 0) return [];
  return [
    {
      code: "left-out-tensors",
      message: `${name} holds ${leftOut.length} tensors that belong to no text model, and they are left out: ${someNames(leftOut)}.`,
    },
  ];
}

/** The names of a checkpoint's tensors by place; copies and what is ignored are left out. */
interface Names {
  readonly prefix: string;
  readonly weights: readonly string[];
  readonly outside: readonly string[];
  /** By layer, as far as there are any: a config may claim more. */
  readonly layers: ReadonlyMap<number, readonly string[]>;
  /** Those that the config denies. */
  readonly denied: readonly string[];
  /** Those of parts that are no text model. */
  readonly leftOut: readonly string[];
}

/** What all names of a checkpoint begin with, of what the family knows. */
function prefixOf({ family }: ReadConfig, checkpoint: Checkpoint): string {
  return (
    family.prefixes.find((start) =>
      checkpoint.names.some((name) => start !== "" && name.startsWith(start)),
    ) ?? ""
  );
}

/** The name that a tensor has in a checkpoint, with the prefix or without. */
export function storedName(
  checkpoint: Checkpoint,
  prefix: string,
  name: string,
): string | undefined {
  return [prefix + name, name].find((one) => checkpoint.has(one));
}

function namesOf(
  { family, fields, architecture }: ReadConfig,
  checkpoint: Checkpoint,
  prefix: string,
): Names {
  const ofALayer = new RegExp(
    `^${family.layerPrefix(0).replace("0", "(\\d+)").replaceAll(".", "\\.")}`,
  );
  const denying = family.denied?.(fields);
  // Checkpoints of tied models often store the embedding a second time, as the unembedding.
  const twice =
    architecture.tied && family.tie && storedName(checkpoint, prefix, family.tie.embedding);
  const copy = twice && family.tie && storedName(checkpoint, prefix, family.tie.unembedding);
  const weights: string[] = [];
  const outside: string[] = [];
  const layers = new Map<number, string[]>();
  const denied: string[] = [];
  const leftOut: string[] = [];
  for (const name of checkpoint.names) {
    if (family.ignored.test(name) || name === copy) continue;
    if (family.leftOut?.test(name)) {
      leftOut.push(name);
      continue;
    }
    const layer = ofALayer.exec(name.slice(prefix.length))?.[1];
    if (denying?.test(name) && layer !== undefined && Number(layer) < architecture.layers) {
      denied.push(name);
      continue;
    }
    weights.push(name);
    if (layer === undefined) {
      outside.push(name);
      continue;
    }
    const own = layers.get(Number(layer));
    if (own === undefined) layers.set(Number(layer), [name]);
    else own.push(name);
  }
  return { prefix, weights, outside, layers, denied, leftOut };
}
