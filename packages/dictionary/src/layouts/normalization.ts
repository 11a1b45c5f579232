import { readJson, type Warning } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { type Config, configOf, shown } from "../config.ts";
import type { Normalization } from "../dictionary.ts";
import type { LoadDictionaryOptions } from "../options.ts";
import { badConfig } from "../refuse.ts";

const NORMALIZATIONS = [
  "none",
  "expected_average_only_in",
  "constant_norm_rescale",
  "layer_norm",
] as const;

/** `normalize_activations` of a SAELens config, with the factor that it may need. */
export async function normalizationOf(
  config: Config,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<{ readonly normalization: Normalization; readonly warnings: readonly Warning[] }> {
  const given = config.get("normalize_activations") ?? "none";
  const word = given === true ? "expected_average_only_in" : given === false ? "none" : given;
  const kind = NORMALIZATIONS.find((one) => one === word);
  if (kind === undefined) {
    throw badConfig(
      config.name,
      "normalize_activations",
      `is ${shown(given)}; known are ${NORMALIZATIONS.join(", ")}.`,
      { got: given },
    );
  }
  if (kind !== "expected_average_only_in") return { normalization: { kind }, warnings: [] };
  const factor = options.normScalingFactor ?? (await scalerOf(folder, options));
  return scaledBy(factor, config.name);
}

/** A factor that may be missing. */
export function scaledBy(
  factor: number | undefined,
  name: string,
): { readonly normalization: Normalization; readonly warnings: readonly Warning[] } {
  if (factor === undefined) {
    const message = `${name} asks for inputs of a mean norm of √d, and no file has the factor: they are taken as they are, which is right if training has folded it into the weights. Else pass normScalingFactor.`;
    return {
      normalization: { kind: "none" },
      warnings: [{ code: "norm-scaling-factor", message }],
    };
  }
  if (Number.isFinite(factor) && factor > 0) {
    return { normalization: { kind: "expected_average_only_in", factor }, warnings: [] };
  }
  throw badConfig(name, "normScalingFactor", `is ${factor}; expected a number above 0.`, {
    got: factor,
  });
}

async function scalerOf(
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<number | undefined> {
  const file = await readJson(folder, "activation_scaler.json", options);
  return file && configOf(file, `${folder.name}/activation_scaler.json`).number("scaling_factor");
}
