import type { Warning } from "@resolvent/transformer";
import type { MergeModel } from "../model.ts";
import type { MergePlan } from "../plan.ts";
import type { Vocabulary } from "../vocabulary.ts";

/** What is to be said of a plan that is carried out all the same: models whose rows stand for other tokens. */
export function mergeWarnings(
  plan: MergePlan,
  models: ReadonlyMap<string, MergeModel>,
): readonly Warning[] {
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
