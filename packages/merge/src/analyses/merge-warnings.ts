import type { Warning } from "@resolvent/transformer";
import type { MergeModel } from "../model.ts";
import { type ModelParts, modelParts } from "../model-parts.ts";
import type { MergePlan } from "../plan.ts";
import type { Recipe } from "../recipe.ts";
import type { Vocabulary } from "../vocabulary.ts";

/**
 * What is to be said of a plan that is carried out all the same: models whose rows stand for other tokens, or whose layers
 * compute otherwise than the config of the result says; filters that no tensor passes.
 */
export function mergeWarnings(
  recipe: Recipe,
  plan: MergePlan,
  models: ReadonlyMap<string, MergeModel>,
): readonly Warning[] {
  return [
    ...idleFilters(recipe, plan),
    ...otherTokens(plan, models),
    ...otherIds(plan, models),
    ...otherSettings(plan, models),
  ];
}

/** What is behind a filter that no name has in it is as if it were not there. */
function idleFilters({ slices }: Recipe, plan: MergePlan): readonly Warning[] {
  const names = Object.entries(plan.tensors).flatMap(([name, { inputs }]) => [
    name,
    ...inputs.flatMap(({ tensor = name }) => tensor),
  ]);
  const levels = new Set(
    slices.flatMap((slice) => [
      ...slice.sources.map(({ parameters }) => parameters),
      ...slice.levels,
    ]),
  );
  return [...levels].flatMap(({ path, settings }) =>
    [...settings].flatMap(([parameter, choices]) =>
      choices.flatMap(({ filter }, i) => {
        if (filter === undefined || names.some((name) => name.includes(filter))) return [];
        const message = `${path}.${parameter}[${i}] has no effect: its filter ${JSON.stringify(filter)} is part of no tensor's name.`;
        return [{ code: "idle-filter", message }];
      }),
    ),
  );
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

/** Tokens that the donor's config.json names by their ids, and that have others in a vocabulary that was built. */
function otherIds(plan: MergePlan, models: ReadonlyMap<string, MergeModel>): readonly Warning[] {
  const { config, vocabulary } = models.get(plan.donor) ?? {};
  const { tokenizer } = plan;
  if (tokenizer === null || config === undefined || vocabulary === undefined) return [];
  const tokens = byId(vocabulary);
  return Object.entries(config).flatMap(([key, value]) => {
    if (!/^(bos|eos|pad)_token_id$/.test(key)) return [];
    return [value].flat().flatMap((id: unknown) => {
      const token = typeof id === "number" ? tokens.get(id) : undefined;
      if (token === undefined) return [];
      const own = Object.hasOwn(tokenizer.vocab, token) ? tokenizer.vocab[token] : undefined;
      if (own === id) return [];
      const there = own === undefined ? "is not there" : `has the id ${own}`;
      const message = `The result has the config.json of ${plan.donor}, whose ${key} is ${id} for ${JSON.stringify(token)}; in the vocabulary of ${tokenizer.source} that ${there}.`;
      return [{ code: "other-ids", message }];
    });
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
