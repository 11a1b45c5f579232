import { questionHash } from "@resolvent/analysis";
import type { Findings, Work } from "@resolvent/analysis/remote";
import type { Shares, ShownGraph } from "../graph/kept-graph.ts";
import type { Lab } from "./lab.svelte.ts";
import { remember, rememberEntire } from "./works.ts";

/**
 * A graph that the page has pruned as findings of its own: asked by its shares, not by those of the whole graph that it
 * was pruned from, so that a link, a command and a program give what is seen. Files of its result are of a run of that
 * question: it explains and checks the largest edges of the pruned graph, not those that are left of the whole one's.
 *
 * @param whole what the whole graph was found as
 */
export async function seenFindings(
  lab: Lab,
  whole: Findings,
  { shown, shares }: { readonly shown: ShownGraph; readonly shares: Shares },
): Promise<Findings | null> {
  const asked = await lab.there.asked(whole);
  if (asked === undefined) return null;
  const { question: ofWhole, ...result } = shown.result;
  const hashOf = (values: Work["values"]): Promise<string> =>
    questionHash({
      ...{ analysis: asked.analysis, values, model: result.model },
      // The page names tokens by their ids; what it read is what is asked again.
      vocabulary: { encode: () => result.input.tokens.map(({ id }) => id), tokenId: Number },
      dictionaries: [...new Set(result.dictionaries.map(({ name }) => name))].map((name) => ({
        name,
      })),
    });
  const work = {
    ...asked.work,
    values: {
      ...asked.work.values,
      ...{ nodeThreshold: shares.nodes, edgeThreshold: shares.edges },
    },
  };
  // Who cannot say what the whole one's question was called cannot say it of this one.
  const known = (await hashOf(asked.work.values)) === ofWhole;
  const question = known ? await hashOf(work.values) : undefined;
  const { answer, tables, views } = shown;
  const { soundness } = whole;
  const seen: Findings = {
    result: { ...result, ...(question !== undefined && { question }) },
    ...{ soundness, answer, tables, views },
  };
  remember(seen, work);
  rememberEntire(seen, async () => {
    const found = await lab.find("the graph as it is pruned", work);
    if (found === undefined) throw new Error("It was not found again: nothing is saved.");
    return found;
  });
  return seen;
}
