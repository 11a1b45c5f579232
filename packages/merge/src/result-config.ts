/** A config.json with other fields; those of `text_config` stand in the one that it has. */
export function changedConfig(
  config: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const changed = { ...config, ...fields };
  if ("text_config" in fields)
    changed.text_config = { ...Object(config.text_config), ...Object(fields.text_config) };
  return changed;
}
