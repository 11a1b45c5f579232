import { InputError } from "@resolvent/tensor";
import { type ByteSource, type Folder, isFileName } from "@resolvent/weights";
import { type Config, configOf, shown } from "../config.ts";
import type { TrainedOn } from "../dictionary.ts";
import type { LoadDictionaryOptions } from "../options.ts";
import { badConfig } from "../refuse.ts";
import { siteOfHook } from "../site.ts";
import { parseYaml } from "../yaml.ts";
import { needFile } from "./files.ts";

/** Largest config that is read, in bytes. */
const MAX_CONFIG_BYTES = 1_000_000;
/** Most layers that are looked for; the deepest models in use have some 130. */
export const MAX_LAYERS = 1000;

/** The config of a set: `config.yaml`. */
export async function circuitTracerConfig(
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Config> {
  const file = await needFile(folder, "config.yaml", options);
  const size = await file.size(options);
  if (size > MAX_CONFIG_BYTES) throw badConfig(file.name, "config.yaml", `has ${size} bytes.`);
  const text = new TextDecoder().decode(await file.read(0, size, options));
  const config = configOf(Object.fromEntries(parseYaml(text, file.name)), file.name);
  const kind = modelKind(config);
  if (kind !== "transcoder_set" && kind !== "cross_layer_transcoder") {
    throw badConfig(
      config.name,
      "model_kind",
      `is ${shown(kind)}; known are transcoder_set, cross_layer_transcoder.`,
      { got: kind },
    );
  }
  return config;
}

/** Configs of June 2025 list transcoders and do not say what kind they are. */
export function modelKind(config: Config): string | undefined {
  const listed = Array.isArray(config.get("transcoders")) ? "transcoder_set" : undefined;
  return config.text("model_kind") ?? listed;
}

/** The files of a per-layer set, in the order of the layers. */
export async function layerFiles(
  folder: Folder,
  config: Config,
  options: LoadDictionaryOptions,
): Promise<ByteSource[]> {
  const listed = config.get("transcoders");
  if (listed !== undefined) return await listedFiles(folder, config, listed, options);
  const files: ByteSource[] = [];
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const file = await folder.open(`layer_${layer}.safetensors`, options);
    if (file === undefined) break;
    files.push(file);
  }
  if (files.length === 0) await needFile(folder, "layer_0.safetensors", options);
  return files;
}

async function listedFiles(
  folder: Folder,
  config: Config,
  listed: unknown,
  options: LoadDictionaryOptions,
): Promise<ByteSource[]> {
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const paths = entries.map((entry, i) => {
    if (typeof entry === "string") return entry;
    const own = configOf(
      typeof entry === "object" ? { ...entry } : {},
      `${config.name}, transcoders`,
    );
    const path = own.text("filepath");
    if (path !== undefined && own.get("layer") === i) return path;
    throw badConfig(
      config.name,
      "transcoders",
      `has the entry ${i} ${shown(entry)}; expected a path, or layer ${i} and its filepath.`,
    );
  });
  if (paths.length === 0) throw badConfig(config.name, "transcoders", "is empty.");
  return await Promise.all(
    paths.map(async (path) => {
      if (isFileName(path)) return await needFile(folder, path, options);
      const source = await options.elsewhere?.(path);
      if (source !== undefined) return source;
      throw new InputError({
        code: "dictionary/elsewhere",
        message: `${config.name} names ${shown(path)}, which is not in its folder.`,
        remedy: "Pass `elsewhere`, which opens it, or fetch it and load its folder.",
        details: { name: config.name, path },
      });
    }),
  );
}

/** What a config says of the training. */
export function trainedOn(config: Config): TrainedOn {
  const [model, hook, hookOut] = ["model_name", "feature_input_hook", "feature_output_hook"].map(
    (field) => config.text(field),
  );
  return {
    ...(model !== undefined && { model }),
    ...(hook !== undefined && { hook }),
    ...(hookOut !== undefined && { hookOut }),
  };
}

/** The sites of one layer, by the hooks of all. */
export function sitesOf(
  config: Config,
  layer: number,
): { readonly input?: string; readonly output?: string } {
  const { hook, hookOut } = trainedOn(config);
  const input = hook === undefined ? undefined : siteOfHook(hook, layer);
  const output = hookOut === undefined ? undefined : siteOfHook(hookOut, layer);
  return { ...(input !== undefined && { input }), ...(output !== undefined && { output }) };
}
