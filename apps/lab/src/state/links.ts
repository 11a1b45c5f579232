import type { Prompt } from "@resolvent/analysis";
import type { Work } from "@resolvent/analysis/remote";
import { fragmentOf, MOST, type Place, START } from "./fragment.ts";
import { joinedValues } from "./given-texts.ts";
import { checkedAtFirst, type Question } from "./question.ts";

/** The place at which the lab asks what some work answers: the screen, or the panel of its analysis. */
export function placeOfWork(work: Work, around: Question): Place {
  const { analysis, model, values, dictionaries } = work;
  const prompt = (values.prompt ?? around.prompt) as Prompt; // of every analysis that has one
  if (analysis !== START.analysis) {
    const same = model === around.model && prompt === around.prompt;
    return {
      ...{ ...START, question: { model, prompt, target: same ? around.target : null } },
      ...{ analysis, values: joinedValues(work), dictionaries: dictionaries ?? null },
    };
  }
  const { target = null, verify } = values;
  const question: Question = { model, prompt, target: target as Question["target"] }; // of `pathsWork`
  const more = typeof verify === "number" && verify !== checkedAtFirst(question);
  return { ...START, question, checked: more ? verify : null };
}

/** The address of a place in this lab; undefined where it is longer than one that is read. */
export function linkOf(
  place: Place,
  { origin, pathname, search }: Pick<Location, "origin" | "pathname" | "search">,
): string | undefined {
  const fragment = fragmentOf(place);
  if (fragment.length > MOST) return undefined;
  return `${origin}${pathname}${search}${fragment === "" ? "" : `#${fragment}`}`;
}
