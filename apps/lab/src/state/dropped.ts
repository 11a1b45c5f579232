import { InputError } from "@resolvent/tensor";
import type { NamedFiles } from "../worker/named-files.ts";

/** A file, and where it lies in what was dropped. */
export interface PlacedFile {
  readonly path: string;
  readonly file: File;
}

/** The files of one model. */
export interface ModelFiles {
  /** The folder's name. */
  readonly name: string;
  readonly files: NamedFiles;
  readonly bytes: number;
}

/** Files that are looked at in what was dropped: a model has some dozens, and a home folder millions. */
const MOST_FILES = 5000;

/** The file that every model has. */
const CONFIG = "config.json";

/** All files in what was dropped, folders walked; none but the first 5000. */
export async function placedFiles(
  entries: readonly (FileSystemEntry | File)[],
): Promise<readonly PlacedFile[]> {
  const found: PlacedFile[] = [];
  const todo = [...entries];
  for (let entry = todo.shift(); entry !== undefined; entry = todo.shift()) {
    if (found.length + todo.length > MOST_FILES) break;
    if (entry instanceof File) found.push({ path: entry.name, file: entry });
    else if (entry.isFile) {
      const own = entry as FileSystemFileEntry; // it says so
      const file = await new Promise<File>((resolve, reject) => own.file(resolve, reject));
      found.push({ path: own.fullPath.replace(/^\//, ""), file });
    } else todo.push(...(await childrenOf(entry as FileSystemDirectoryEntry))); // the other kind
  }
  return found;
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0 || all.length > MOST_FILES) return all;
    all.push(...some);
  }
}

/** Files that were picked by a form. */
export function pickedFiles(list: FileList | null): readonly PlacedFile[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

const depthOf = (path: string): number => path.split("/").length;

function configsIn(placed: readonly PlacedFile[]): readonly PlacedFile[] {
  return placed.filter(({ path }) => path === CONFIG || path.endsWith(`/${CONFIG}`));
}

/** Models that are named where there are too many. */
const NAMED = 5;

/** That there is more than one model on the outside: which of them is meant nobody has said. */
export function severalModels(placed: readonly PlacedFile[]): InputError | undefined {
  const configs = configsIn(placed);
  const least = configs.reduce((so, { path }) => Math.min(so, depthOf(path)), Infinity);
  const names = configs
    .filter(({ path }) => depthOf(path) === least)
    .map(({ path }) => path.split("/").at(-2) ?? path);
  if (names.length < 2) return undefined;
  const others = names.length > NAMED ? `, and ${names.length - NAMED} more` : "";
  return new InputError({
    code: "lab/several-models",
    message: `There are ${names.length} models in it: ${names.slice(0, NAMED).join(", ")}${others}.`,
    remedy: "Drop the folder of one of them.",
    details: { names },
  });
}

/** The files of the model among those: of the outermost folder that has a config.json, else all on the outside. */
export function modelFiles(placed: readonly PlacedFile[]): ModelFiles {
  const configs = configsIn(placed);
  const outermost = (some: readonly PlacedFile[]): PlacedFile | undefined =>
    [...some].sort((a, b) => depthOf(a.path) - depthOf(b.path))[0];
  const base = outermost(configs) ?? outermost(placed);
  const folder = base?.path.split("/").slice(0, -1).join("/") ?? "";
  const start = folder === "" ? "" : `${folder}/`;
  const own = placed.filter(
    ({ path }) => path.startsWith(start) && !path.slice(start.length).includes("/"),
  );
  return {
    name: folder.split("/").at(-1) || "your files",
    files: own.map(({ path, file }) => [path.slice(start.length), file] as const),
    bytes: own.reduce((sum, { file }) => sum + file.size, 0),
  };
}

/** Kinds of weights by the ends of their files' names, which are not read. */
const OTHERS: readonly (readonly [end: RegExp, what: string])[] = [
  [/\.gguf$/i, "GGUF, of llama.cpp: most often quantised"],
  [/\.(?:bin|pt|pth|ckpt)$/i, "files of torch"],
  [/\.(?:h5|msgpack)$/i, "files of TensorFlow or Flax"],
  [/\.onnx$/i, "ONNX, a graph of operations"],
];

/** Files by which a folder says that it is something else than a model. */
const NO_MODELS: readonly (readonly [file: RegExp, what: string, remedy: string])[] = [
  [
    /^adapter_(?:config\.json|model\..+)$/,
    "an adapter (LoRA), which says what to change in a model",
    "Merge it into its model, as by merge_and_unload of peft, and drop what that saves.",
  ],
  [
    /^(?:cfg\.json|params\.npz|sae_weights\.safetensors|hyperparams\.json)$/,
    "a dictionary of features, and no model",
    "Open it beside its model by the command: resolvent lab --folder FOLDER.",
  ],
];

/** Why files are no model that can be opened: there is no config, or weights are of another kind only. */
export function notRead({ files }: ModelFiles): InputError | undefined {
  const names = files.map(([name]) => name);
  const whole = names.includes(CONFIG) && names.some((name) => /^model.*\.safetensors/.test(name));
  for (const [file, what, remedy] of whole ? [] : NO_MODELS) {
    const name = names.find((one) => file.test(one));
    if (name === undefined) continue;
    const message = `${name}: this is ${what}.`;
    return new InputError({ code: "lab/no-model", message, remedy, details: { name } });
  }
  if (!names.some((name) => name.endsWith(".safetensors"))) {
    for (const [end, what] of OTHERS) {
      const name = names.find((one) => end.test(one));
      if (name === undefined) continue;
      return new InputError({
        code: "lab/other-weights",
        message: `${name}: these weights are ${what}, which are not read.`,
        remedy: "Drop the model as it was saved by transformers: config.json and safetensors.",
        details: { name },
      });
    }
  }
  if (names.includes(CONFIG)) {
    if (names.some((name) => /\.safetensors(?:\.index\.json)?$/.test(name))) return undefined;
    return new InputError({
      code: "lab/no-weights",
      message: "There are no weights beside config.json.",
      remedy: "Drop it together with model.safetensors, or with all its parts and their index.",
      details: { names },
    });
  }
  const [only, ...more] = names;
  return new InputError({
    code: "lab/no-model",
    message:
      only === undefined
        ? "There is no file in it."
        : more.length === 0
          ? `${only} is no model: there is no config.json beside it.`
          : `There is no config.json among these ${names.length} files.`,
    remedy: "Drop a model's folder, or its files together.",
    details: { names },
  });
}
