import { mapping, pathTo, text } from "./fields.ts";
import { refuse } from "./refuse.ts";
import type { Value } from "./yaml.ts";

/** A model that a configuration names. */
export interface NamedModel {
  /** As plans name it: `PATH`, or `PATH@REVISION`. */
  readonly name: string;
  /** A folder, or a name on the Hub. */
  readonly path: string;
  readonly revision?: string;
}

/**
 * The name of a model: its path or Hub name, `@REVISION` may follow; or the same as a mapping.
 *
 * @throws InputError `merge/lora`, `merge/override-architecture`, `merge/config-type`
 */
export function readReference(value: Value | undefined, path: string): string {
  if (typeof value !== "object" || value === null) return checked(text(value ?? null, path), path);
  const fields = mapping(value, path, ["model", "lora", "override_architecture"]);
  if (fields.has("lora")) throw adapter(path, "lora");
  if (fields.has("override_architecture")) {
    throw refuse(
      "override-architecture",
      `${path}.override_architecture is not supported.`,
      "The architecture is the one of the model's config.json.",
      { path },
    );
  }
  const model = fields.get("model");
  const at = pathTo(path, "model");
  if (typeof model !== "object" || model === null) return checked(text(model ?? null, at), at);
  const parts = mapping(model, at, ["path", "revision"]);
  const name = checked(text(parts.get("path"), pathTo(at, "path")), at);
  const revision = parts.get("revision");
  return revision === undefined ? name : `${name}@${text(revision, pathTo(at, "revision"))}`;
}

/** A folder that is named with a slash behind it is the one that is named without. */
function checked(name: string, path: string): string {
  if (name.includes("+")) throw adapter(path, name);
  return name.replace(/(?<=[^/])\/+$/, "");
}

function adapter(path: string, name: string): Error {
  return refuse(
    "lora",
    `${path}: ${name} names an adapter.`,
    "Apply it to its model first, and name the result; paths have no plus sign.",
    { path, name },
  );
}

/** A name taken apart: `openai-community/gpt2@main`. */
export function namedModel(name: string): NamedModel {
  const at = name.lastIndexOf("@");
  if (at <= 0) return { name, path: name };
  return { name, path: name.slice(0, at), revision: name.slice(at + 1) };
}
