import type { Findings, Work } from "@resolvent/analysis/remote";
import type { MadeModel } from "../storage/made-models.ts";
import type { MergeForm } from "./merge-form.ts";
import type { Question } from "./question.ts";

function workOf(
  analysis: string,
  { model }: Pick<Question, "model">,
  text: string,
  values: Work["values"],
): Work {
  return {
    ...{ analysis, model, values, precision: "f32", float64: false },
    texts: { config: { name: "the configuration", text } },
  };
}

/** The work that says what a merge would do; the model is that of the page, which it does not look at. */
export function planWork(question: Pick<Question, "model">, text: string): Work {
  return workOf("merge-plan", question, text, {});
}

/** The work that merges, into the browser's storage. */
export function mergeWork(question: Pick<Question, "model">, text: string, name: string): Work {
  return workOf("merge", question, text, { out: name });
}

/** What a merge has made. */
export function madeOf({
  result,
}: Pick<Findings, "result">): Pick<MadeModel, "name" | "sha256" | "from"> {
  const { model, folder, inputs } = Object(result);
  return {
    name: String(folder),
    sha256: String(model?.sha256),
    from: (inputs ?? []).map((one: { readonly name: unknown }) => String(one.name)),
  };
}

/** A name for a merge that is not taken yet: its method, and a number. */
export function usualName({ method }: Pick<MergeForm, "method">, taken: readonly string[]): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? method : `${method}-${n}`;
    if (!taken.includes(name)) return name;
  }
}
