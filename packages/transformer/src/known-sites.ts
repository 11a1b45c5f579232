import { cost, InputError, type Priced, type Shaped } from "@resolvent/tensor";
import { didYouMean, nearestNames } from "@resolvent/weights";
import { tokenIds, unembed } from "./embedding.ts";
import { type Model, shapesOf } from "./model.ts";
import { residualStream } from "./residual-stream.ts";
import { possibleSites, type SiteName } from "./site-names.ts";
import { chooses, type SiteChoice, type Sites } from "./sites.ts";

/** The names of all sites that a run of a model comes by, in order. */
export function siteNames<T extends Shaped>(model: Model<T>): SiteName[] {
  const names: string[] = [];
  const sites: Sites<Priced> = {
    wants: () => true,
    at: (site, compute) => {
      const value = compute();
      names.push(site);
      return value;
    },
  };
  const ops = cost();
  const outline = shapesOf(model);
  unembed(ops, outline, residualStream(ops, outline, tokenIds([0]), sites), sites);
  return names as SiteName[]; // blocks are named so
}

/**
 * Nothing where each name of a choice stands for a site that a run came by, or is a pattern of sites that others have:
 * `*.query_norm` is spelled right, and of a model without such norms nothing is kept.
 *
 * @throws InputError `transformer/no-site`, with the nearest name that the model has
 */
export function checkSites<T extends Shaped>(
  model: Model<T>,
  choice: SiteChoice,
  met: Iterable<string>,
): void {
  if (typeof choice === "function" || choice.length === 0) return;
  const came = [...met];
  const possible = possibleSites(model.architecture.layers);
  const nowhere = choice.find((name) => {
    const is = chooses([name]);
    return !came.some(is) && !(name.includes("*") && possible.some(is));
  });
  if (nowhere !== undefined) throw noSite(model, nowhere);
}

/**
 * Says that a run does not come by a site, and which name may have been meant.
 *
 * @param options `exact`: the site is one name, in which `*` stands for nothing
 */
export function noSite<T extends Shaped>(
  model: Model<T>,
  site: string,
  { exact = false }: { readonly exact?: boolean } = {},
): InputError {
  const names: readonly string[] = siteNames(model);
  const code = "transformer/no-site";
  if (exact ? names.includes(site) : names.some(chooses([site]))) {
    return new InputError({
      code,
      message: `This run of ${model.name} does not come by its site "${site}".`,
      remedy:
        "What only makes a replaced value is not computed: a replaced pattern leaves no query, key and score.",
      details: { site },
    });
  }
  const patterns =
    !exact && site.includes("*") ? names.map((name) => name.replace(/^.*\./, "*.")) : names;
  const near = nearestNames(site, new Set(patterns)).slice(0, 1);
  return new InputError({
    code,
    message: `${model.name} has no site "${site}".`,
    remedy: `${didYouMean(near)}"*" stands for all sites, and * for any characters of a name.`,
    details: { site, ...(near.length > 0 && { nearest: near[0] }) },
  });
}
