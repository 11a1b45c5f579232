import type { Warning } from "@resolvent/transformer";
import type { MergeModel } from "../model.ts";
import { type ModelParts, modelParts } from "../model-parts.ts";
import type { MergePlan } from "../plan.ts";
import type { Vocabulary } from "../vocabulary.ts";

/**
 * What is to be said of a plan that is carried out all the same: models whose rows stand for other tokens, or whose layers
 * compute otherwise than the config of the result says.
 */
export function mergeWarnings(
  plan: MergePlan,
  models: ReadonlyMap<string, MergeModel>,
): readonly Warning[] {
  return [...otherTokens(plan, models), ...otherSettings(plan, models)];
}

function otherTokens(plan: MergePlan, models: ReadonlyMap<string, MergeModel>): readonly Warning[] {
  const donor = models.get(plan.donor)?.vocabulary;
  if (plan.tokenizer !== null || donor === undefined) return [];
  const tokens = byId(donor);
  return [...models].flatMap(([name, { vocabulary }]) => {
    if (vocabulary === undefined || vocabulary === donor) return [];
    const others = byId(vocabulary);
    const ids = new Set([...tokens.keys(), ...others.keys()]);
    const odd = [...ids].filter((id) => tokens.get(id) !== others.get(id)).length;
    if (odd === 0) return [];
    const message = `At ${odd} of ${ids.size} ids ${name} has other tokens than ${plan.donor}, and rows are merged by their ids: \`tokenizer_source: union\` brings them to one vocabulary.`;
    return [{ code: "other-tokens", message }];
  });
}

function byId({ ordinary, added }: Vocabulary): ReadonlyMap<number, string> {
  return new Map([...ordinary, ...added].map(([token, id]) => [id, token]));
}

/** Tensors of one shape may be those of other heads, rotations, windows or norms. */
function otherSettings(
  plan: MergePlan,
  models: ReadonlyMap<string, MergeModel>,
): readonly Warning[] {
  const parts = [...models].map(([name, model]) => modelParts(name, model));
  const donor = parts.find(({ name }) => name === plan.donor);
  if (donor === undefined) return [];
  return parts.flatMap((own) => {
    const shared = Math.min(own.layers, donor.layers);
    for (let layer = 0; layer < shared; layer++) {
      if (settingsOf(own, layer) === settingsOf(donor, layer)) continue;
      const message = `Layer ${layer} of ${own.name} computes otherwise than that of ${donor.name}: by its config.json it has other heads, rotations, windows or norms. The result has the config of ${donor.name}.`;
      return [{ code: "other-settings", message }];
    }
    return [];
  });
}

function settingsOf({ layout }: ModelParts, layer: number): string {
  return layout.layer(layer).settings;
}
