import { type Fields, fieldsOf, unsupported } from "../fields.ts";
import type { Architecture } from "../model.ts";
import type { Warning } from "../warning.ts";
import type { Family } from "./family.ts";
import { checkKeys } from "./keys.ts";

/** A config.json, read. */
export interface ReadConfig {
  readonly family: Family;
  readonly fields: Fields;
  readonly architecture: Architecture;
  /** What of it is left out. */
  readonly warnings: readonly Warning[];
}

type Config = Readonly<Record<string, unknown>>;

/** What a list has of the family that a config.json names. @throws InputError `transformer/unsupported-config` */
export function familyOf<V>(config: Config, list: Readonly<Record<string, V>>): V {
  const name = config.model_type;
  const found = typeof name === "string" && Object.hasOwn(list, name) ? list[name] : undefined;
  if (found === undefined) throw unsupported("transformer", "model_type", name, Object.keys(list));
  return found;
}

/** A config.json of a family. @throws InputError `transformer/bad-config` */
export function readWith(config: Config, family: Family): ReadConfig {
  const name = String(config.model_type);
  const keys = family.keys[name];
  if (keys === undefined)
    throw unsupported("transformer", "model_type", name, Object.keys(family.keys));
  const own = family.textConfig?.(config) ?? config;
  const fields = fieldsOf(own, name, {
    aliases: family.aliases?.[name] ?? {},
    defaults: family.defaults?.[name] ?? {},
  });
  const architecture = family.architecture(fields);
  const warnings = [
    ...checkKeys(own, fields, keys, architecture),
    ...(family.doubts?.(fields) ?? []),
  ];
  return { family, fields, architecture, warnings };
}
