import { readJson } from "@resolvent/transformer";
import type { Dtype, Folder, ReadOptions } from "@resolvent/weights";
import { chosenTemplate, templateOf } from "./chat-template.ts";
import type { OpenMergeModel } from "./model.ts";
import type { MergePlan } from "./plan.ts";
import { refuse } from "./refuse.ts";
import { changedConfig } from "./result-config.ts";
import { builtTokenizer } from "./tokenizer-files.ts";

/** What a model's folder may hold besides weights and config, and its merges keep. */
const COPIED = [
  ...["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"],
  ...["added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja"],
  ...["chat_template.json", "generation_config.json", "preprocessor_config.json"],
];

/** Longest of these that is copied, in bytes; the largest published tokenizers are below a tenth of it. */
const MAX_BYTES = 2 ** 29;

const DTYPE_NAMES: Readonly<Partial<Record<Dtype, string>>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
};

/**
 * The files of the result but its weights, by name: the donor's, with what the plan changes; its config last.
 *
 * @throws InputError `merge/file-too-large`, `merge/model-missing`, `merge/chat-template`, and what reading throws
 */
export async function resultFiles(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: ReadOptions = {},
): Promise<ReadonlyMap<string, Uint8Array>> {
  const donor = modelNamed(models, plan.donor);
  const { tokenizer } = plan;
  const source =
    tokenizer === null || ["union", "base"].includes(tokenizer.source)
      ? donor
      : modelNamed(models, tokenizer.source);
  const files = await copiedFiles(
    (file) => (file === "generation_config.json" ? donor : source).folder,
    options,
  );
  const others = [...models.values()].map(({ folder }) => folder);
  const built = new Map(
    tokenizer === null ? [] : await builtTokenizer(tokenizer, source.folder, others),
  );
  for (const [file, value] of built) files.set(file, json(value));
  const template = await chosenTemplate(plan, models);
  if (template !== undefined && template !== (await templateOf(source.folder))) {
    const name = "tokenizer_config.json";
    const config = built.get(name) ?? (await readJson(source.folder, name, options));
    files.set(name, json({ ...Object(config), chat_template: template }));
    if (files.has("chat_template.jinja"))
      files.set("chat_template.jinja", new TextEncoder().encode(template));
  }
  files.set("config.json", json(resultConfig(plan, donor.config)));
  return files;
}

/** What folders hold besides weights and config, as it is: each file from the folder that is meant for it. */
export async function copiedFiles(
  from: (file: string) => Folder,
  options: ReadOptions = {},
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const file of COPIED) {
    const bytes = await bytesOf(from(file), file, options);
    if (bytes !== undefined) files.set(file, bytes);
  }
  return files;
}

/** The donor's config with what the plan changes, and the dtype. */
export function resultConfig(
  plan: MergePlan,
  donor: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const config: Record<string, unknown> = changedConfig(donor, plan.config);
  const name = DTYPE_NAMES[plan.dtype];
  const key = "dtype" in config && !("torch_dtype" in config) ? "dtype" : "torch_dtype";
  if (name !== undefined) config[key] = name;
  return config;
}

export function modelNamed(
  models: ReadonlyMap<string, OpenMergeModel>,
  name: string,
): OpenMergeModel {
  const model = models.get(name);
  if (model !== undefined) return model;
  throw refuse(
    "model-missing",
    `The model ${name} is not given.`,
    "Give each of `modelsOf(recipe)`.",
    { name },
  );
}

async function bytesOf(
  folder: Folder,
  file: string,
  options: ReadOptions,
): Promise<Uint8Array | undefined> {
  const source = await folder.open(file, options);
  if (source === undefined) return undefined;
  const size = await source.size(options);
  if (size <= MAX_BYTES) return await source.read(0, size, options);
  throw refuse(
    "file-too-large",
    `${source.name} has ${size} bytes; at most ${MAX_BYTES} are copied.`,
    "Check that this is the right file.",
    { file, size, limit: MAX_BYTES },
  );
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`);
}
