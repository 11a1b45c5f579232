import type { Prompt } from "@resolvent/analysis";
import type { Work } from "@resolvent/analysis/remote";
import { fragmentOf, MOST, type Place, START } from "./fragment.ts";
import { joinedValues } from "./given-texts.ts";
import { packed } from "./packed.ts";
import { checkedAtFirst, type Question, type Score } from "./question.ts";

/** The place at which the lab asks what some work answers: the screen, or the panel of its analysis. */
export function placeOfWork(work: Work, around: Question): Place {
  const { analysis, model, values, dictionaries, precision, engine = null } = work;
  const prompt = (values.prompt ?? around.prompt) as Prompt; // of every analysis that has one
  if (analysis !== START.analysis) {
    const same = model === around.model && prompt === around.prompt;
    return {
      ...{ ...START, question: { model, prompt, target: same ? around.target : null } },
      ...{ precision, engine },
      ...{ analysis, values: joinedValues(work), dictionaries: dictionaries ?? null },
    };
  }
  const { target = null, verify, check = [], top, head, query, key, side } = values;
  const question: Question = { model, prompt, target: target as Question["target"] }; // of `pathsWork`
  const more = typeof verify === "number" && verify !== checkedAtFirst(question);
  const score = head === undefined ? null : ({ head, query, key, side } as Score); // of `pathsWork`
  return {
    ...{ ...START, question, checked: more ? verify : null, score },
    ...{ checks: check as readonly string[], top: Number(top), precision, engine }, // the same
  };
}

/** The address of a place in this lab, deflated where it is long; undefined where it is longer than one that is read. */
export async function linkOf(
  place: Place,
  { origin, pathname, search }: Pick<Location, "origin" | "pathname" | "search">,
): Promise<string | undefined> {
  const fragment = fragmentOf(place);
  if (fragment.length > MOST) return undefined;
  return `${origin}${pathname}${search}${fragment === "" ? "" : `#${await packed(fragment)}`}`;
}
